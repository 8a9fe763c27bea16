//! Values on the command line: the literals of the text format, read by the type that is expected.
//!
//! Whatever [`print`] gives [`parse`] takes back, to the bit, for all but non-null references.

use terrace::{Ref, V128, Val, ValType};
use wast::core::V128Const;
use wast::parser::{Parse, ParseBuffer, parse as parse_text};
use wast::token::{F32, F64};
