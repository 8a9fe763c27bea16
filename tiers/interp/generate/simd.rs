//! `i8x16.shuffle`, whose lanes are in the instruction.

use terrace_abi::Ty;
use terrace_abi::layout::Field;
use terrace_masm::LoadVector;
use terrace_templates::Machine;

use super::{Generator, Variant};

impl<M: Machine> Generator<M> {
    pub(super) fn shuffle(&mut self, v: Variant) {
        let [a, b, lanes, _] = M::FLOAT_TEMPS;
        let a = self.vector(v.a, Field::A, a);
        let b = self.vector(v.b, Field::B, b);
        self.m.load_vector(LoadVector::Whole, lanes, self.at(8));
        self.m.shuffle(M::FLOAT_ACC, a, b, lanes);
        self.define(v, Ty::V128);
    }
}
