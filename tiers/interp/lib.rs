//! Terrace assembled interpreter.
