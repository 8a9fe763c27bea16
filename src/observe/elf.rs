//! An object file in memory that gives code names: symbols, and a section without contents where the code is.

use object::Endianness;
use object::elf;
use object::write::elf::{FileHeader, SectionHeader, Sym, Writer};
use terrace_core::tier::listener::InstalledCode;

/// Describes functions, which are in order of their addresses.
pub fn describe(functions: &[InstalledCode<'_>]) -> Result<Vec<u8>, object::write::Error> {
    let address = |function: &InstalledCode<'_>| function.code.as_ptr().addr() as u64;
    let start = functions.first().map_or(0, address);
    let end = functions.last().map_or(0, |last| address(last) + last.code.len() as u64);
    let names: Vec<String> = functions.iter().map(ToString::to_string).collect();

    let mut bytes = Vec::new();
    let endianness = if cfg!(target_endian = "little") { Endianness::Little } else { Endianness::Big };
    let mut writer = Writer::new(endianness, true, &mut bytes);
    // First all room is given out, then everything is written in the same order.
    writer.reserve_file_header();
    writer.reserve_null_section_index();
    let text_name = writer.add_section_name(b".text");
    let text = writer.reserve_section_index();
    writer.reserve_symtab_section_index();
    writer.reserve_strtab_section_index();
    writer.reserve_shstrtab_section_index();
    writer.reserve_null_symbol_index();
    let strings: Vec<_> = names.iter().map(|name| writer.add_string(name.as_bytes())).collect();
    for _ in functions {
        writer.reserve_symbol_index(Some(text));
    }
    writer.reserve_symtab();
    writer.reserve_strtab();
    writer.reserve_shstrtab();
    writer.reserve_section_headers();

    writer.write_file_header(&FileHeader {
        os_abi: elf::ELFOSABI_NONE,
        abi_version: 0,
        e_type: elf::ET_EXEC,
        e_machine: if cfg!(target_arch = "aarch64") { elf::EM_AARCH64 } else { elf::EM_X86_64 },
        e_entry: 0,
        e_flags: 0,
    })?;
    writer.write_null_symbol();
    for (function, name) in functions.iter().zip(strings) {
        writer.write_symbol(&Sym {
            name: Some(name),
            section: Some(text),
            st_info: elf::STB_GLOBAL << 4 | elf::STT_FUNC,
            st_other: elf::STV_DEFAULT,
            st_shndx: 0,
            st_value: address(function),
            st_size: function.code.len() as u64,
        });
    }
    writer.write_strtab();
    writer.write_shstrtab();
    writer.write_null_section_header();
    writer.write_section_header(&SectionHeader {
        name: Some(text_name),
        sh_type: elf::SHT_NOBITS,
        sh_flags: u64::from(elf::SHF_ALLOC | elf::SHF_EXECINSTR),
        sh_addr: start,
        sh_offset: 0,
        sh_size: end - start,
        sh_link: 0,
        sh_info: 0,
        sh_addralign: 1,
        sh_entsize: 0,
    });
    writer.write_symtab_section_header(1);
    writer.write_strtab_section_header();
    writer.write_shstrtab_section_header();
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use object::{Object, ObjectSection, ObjectSymbol};

    use super::*;
    use crate::code;

    #[test]
    fn symbols_are_where_the_code_is() {
        let bytes = [0; 48];
        let start = bytes.as_ptr().addr() as u64;
        let described = describe(&[code("f", &bytes[..7]), code("g", &bytes[32..])]).expect("it is small");
        let file = object::File::parse(&*described).expect("an object file");
        let text = file.section_by_name(".text").expect("a section");
        assert_eq!((text.address(), text.size()), (start, 48));
        let symbols: Vec<_> = file.symbols().map(|symbol| (symbol.name(), symbol.address(), symbol.size())).collect();
        assert_eq!(symbols, [(Ok("wasm[m]::f"), start, 7), (Ok("wasm[m]::g"), start + 32, 16)]);
    }
}
