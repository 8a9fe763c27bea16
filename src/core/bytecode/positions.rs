//! Where in the wasm binary an instruction comes from.
//!
//! Only instructions that can stop have a position. Entries are two LEB128 deltas (pc, offset); lookup is a linear scan,
//! which only traps and tools pay for.

/// An ordered map from pc to wasm offset.
#[derive(Debug, Default)]
pub struct Positions(Box<[u8]>);

/// Collects positions in order of pc.
#[derive(Debug, Default)]
pub struct PositionsBuilder {
    bytes: Vec<u8>,
    pc: u32,
    offset: u32,
}

impl PositionsBuilder {
    /// Forgets everything.
    pub fn clear(&mut self) {
        self.bytes.clear();
        (self.pc, self.offset) = (0, 0);
    }

    /// Adds an entry; a pc that is not above the last one is ignored.
    pub fn push(&mut self, pc: u32, offset: u32) {
        if pc <= self.pc && !self.bytes.is_empty() {
            return;
        }
        write_leb(&mut self.bytes, pc.wrapping_sub(self.pc));
        write_leb(&mut self.bytes, zigzag(offset.wrapping_sub(self.offset)));
        (self.pc, self.offset) = (pc, offset);
    }

    /// The finished map; the builder can be used again.
    pub fn finish(&mut self) -> Positions {
        let positions = Positions(self.bytes.as_slice().into());
        self.clear();
        positions
    }
}

impl Positions {
    /// The wasm offset recorded for this pc.
    pub fn get(&self, pc: u32) -> Option<u32> {
        self.iter().take_while(|entry| entry.0 <= pc).find(|entry| entry.0 == pc).map(|entry| entry.1)
    }

    /// All entries as (pc, wasm offset), in order.
    pub fn iter(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        let mut rest = &self.0[..];
        let (mut pc, mut offset) = (0u32, 0u32);
        std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            pc = pc.wrapping_add(read_leb(&mut rest));
            offset = offset.wrapping_add(unzigzag(read_leb(&mut rest)));
            Some((pc, offset))
        })
    }
}

fn zigzag(x: u32) -> u32 {
    (x << 1) ^ (((x as i32) >> 31) as u32)
}

fn unzigzag(x: u32) -> u32 {
    (x >> 1) ^ (x & 1).wrapping_neg()
}

fn write_leb(bytes: &mut Vec<u8>, mut x: u32) {
    while x >= 0x80 {
        bytes.push(x as u8 | 0x80);
        x >>= 7;
    }
    bytes.push(x as u8);
}

fn read_leb(bytes: &mut &[u8]) -> u32 {
    let mut x = 0;
    let mut shift = 0;
    while let Some((&byte, rest)) = bytes.split_first() {
        *bytes = rest;
        x |= u32::from(byte & 0x7f) << shift;
        shift += 7;
        if byte < 0x80 {
            break;
        }
    }
    x
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_was_pushed_and_nothing_else() {
        let mut builder = PositionsBuilder::default();
        let entries = [(0, 100), (3, 90), (4, 4_000_000_000), (900_000, 7)];
        for (pc, offset) in entries {
            builder.push(pc, offset);
        }
        let positions = builder.finish();
        for (pc, offset) in entries {
            assert_eq!(positions.get(pc), Some(offset));
        }
        assert_eq!(positions.get(1), None);
        assert_eq!(positions.get(1_000_000), None);
        assert_eq!(positions.iter().count(), 4);
    }
}
