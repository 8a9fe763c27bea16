//! What a module is made of: one summary, for people or as JSON.
//!
//! The module is read by itself, without an engine, so that also a module that the engine cannot run can be looked at.

use std::io::{self, Write};

use serde::Serialize;
use wasmparser::{
    CompositeInnerType, Error, ExternalKind, GlobalType, KnownCustom, MemoryType, Name, Parser, Payload, SubType,
    TableType, TypeRef,
};

use crate::args::InspectArgs;
use crate::failure::{Failure, Result};
use crate::features;
use crate::load::load;

/// Everything that is shown.
#[derive(Debug, Default, Serialize)]
struct Summary {
    name: Option<String>,
    size: usize,
    features: Vec<String>,
    functions: Count,
    tables: Count,
    memories: Count,
    globals: Count,
    tags: Count,
    types: u32,
    element_segments: u32,
    data_segments: u32,
    /// The index of the start function.
    start: Option<u32>,
    sections: Vec<Section>,
    imports: Vec<Import>,
    exports: Vec<Export>,
}

#[derive(Debug, Default, Serialize)]
struct Count {
    imported: usize,
    defined: usize,
}

#[derive(Debug, Serialize)]
struct Section {
    name: String,
    /// A custom section.
    custom: bool,
    /// Where its contents start.
    offset: u64,
    size: u64,
    /// How many entries it has, if it has entries.
    #[serde(skip_serializing_if = "Option::is_none")]
    entries: Option<u32>,
}

#[derive(Debug, Serialize)]
struct Import {
    module: String,
    name: String,
    kind: &'static str,
    #[serde(rename = "type")]
    ty: String,
}

#[derive(Debug, Serialize)]
struct Export {
    name: String,
    kind: &'static str,
    index: u32,
    #[serde(rename = "type")]
    ty: String,
}

/// Runs `terrace inspect`.
pub fn inspect(args: &InspectArgs, out: &mut dyn Write) -> Result<()> {
    let bytes = load(&args.file)?;
    let features = features::used(&bytes).map_err(|error| Failure::file(&args.file, error))?;
    let mut summary = summarize(&bytes).map_err(|error| Failure::file(&args.file, error))?;
    summary.features = features::names(features).collect();
    let written = match args.json {
        true => serde_json::to_writer_pretty(&mut *out, &summary).map_err(io::Error::from).and_then(|()| writeln!(out)),
        false => print(&summary, out),
    };
    written.map_err(Failure::output)
}

/// The types of a module's index spaces, as far as they have been read.
#[derive(Default)]
struct Spaces {
    types: Vec<SubType>,
    functions: Vec<u32>,
    tables: Vec<TableType>,
    memories: Vec<MemoryType>,
    globals: Vec<GlobalType>,
    tags: Vec<u32>,
}

impl Spaces {
    /// A function's or tag's type, without the brackets.
    fn signature(&self, index: Option<&u32>) -> String {
        let ty = index.and_then(|&index| self.types.get(index as usize));
        match ty.map(|ty| &ty.composite_type.inner) {
            Some(CompositeInnerType::Func(ty)) => {
                let text = ty.to_string();
                let inner = text.strip_prefix("(func").and_then(|text| text.strip_suffix(')'));
                inner.unwrap_or(&text).trim_start().to_owned()
            }
            _ => String::new(),
        }
    }

    fn export(&self, kind: ExternalKind, index: u32) -> (&'static str, String) {
        let at = index as usize;
        match kind {
            ExternalKind::Func | ExternalKind::FuncExact => ("func", self.signature(self.functions.get(at))),
            ExternalKind::Tag => ("tag", self.signature(self.tags.get(at))),
            ExternalKind::Table => ("table", self.tables.get(at).map(table_type).unwrap_or_default()),
            ExternalKind::Memory => ("memory", self.memories.get(at).map(memory_type).unwrap_or_default()),
            ExternalKind::Global => ("global", self.globals.get(at).map(global_type).unwrap_or_default()),
        }
    }

    fn import(&mut self, ty: TypeRef) -> (&'static str, String) {
        match ty {
            TypeRef::Func(ty) | TypeRef::FuncExact(ty) => {
                self.functions.push(ty);
                ("func", self.signature(Some(&ty)))
            }
            TypeRef::Tag(ty) => {
                self.tags.push(ty.func_type_idx);
                ("tag", self.signature(Some(&ty.func_type_idx)))
            }
            TypeRef::Table(ty) => {
                self.tables.push(ty);
                ("table", table_type(&ty))
            }
            TypeRef::Memory(ty) => {
                self.memories.push(ty);
                ("memory", memory_type(&ty))
            }
            TypeRef::Global(ty) => {
                self.globals.push(ty);
                ("global", global_type(&ty))
            }
        }
    }
}

fn limits(index64: bool, initial: u64, maximum: Option<u64>, shared: bool) -> String {
    let mut text = format!("{}{initial}", if index64 { "i64 " } else { "" });
    text.extend(maximum.map(|maximum| format!(" {maximum}")));
    text + if shared { " shared" } else { "" }
}

fn table_type(ty: &TableType) -> String {
    format!("{} {}", limits(ty.table64, ty.initial, ty.maximum, ty.shared), ty.element_type)
}

fn memory_type(ty: &MemoryType) -> String {
    let mut text = limits(ty.memory64, ty.initial, ty.maximum, ty.shared);
    text.extend(ty.page_size_log2.map(|log2| format!(" (pagesize {})", 1u64 << log2.min(63))));
    text
}

fn global_type(ty: &GlobalType) -> String {
    if ty.mutable { format!("(mut {})", ty.content_type) } else { ty.content_type.to_string() }
}

/// Reads a valid module.
fn summarize(bytes: &[u8]) -> Result<Summary, Error> {
    let mut summary = Summary { size: bytes.len(), ..Summary::default() };
    let mut spaces = Spaces::default();
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload?;
        let mut name = None;
        let mut entries = None;
        match &payload {
            Payload::TypeSection(section) => {
                for group in section.clone() {
                    spaces.types.extend(group?.into_types());
                }
                (name, entries) = (Some("type"), Some(section.count()));
                summary.types = spaces.types.len() as u32;
            }
            Payload::ImportSection(section) => {
                for import in section.clone().into_imports() {
                    let import = import?;
                    let (kind, ty) = spaces.import(import.ty);
                    let (module, name) = (import.module.to_owned(), import.name.to_owned());
                    summary.imports.push(Import { module, name, kind, ty });
                }
                (name, entries) = (Some("import"), Some(summary.imports.len() as u32));
                summary.functions.imported = spaces.functions.len();
                summary.tables.imported = spaces.tables.len();
                summary.memories.imported = spaces.memories.len();
                summary.globals.imported = spaces.globals.len();
                summary.tags.imported = spaces.tags.len();
            }
            Payload::FunctionSection(section) => {
                for ty in section.clone() {
                    spaces.functions.push(ty?);
                }
                (name, entries) = (Some("function"), Some(section.count()));
            }
            Payload::TableSection(section) => {
                for table in section.clone() {
                    spaces.tables.push(table?.ty);
                }
                (name, entries) = (Some("table"), Some(section.count()));
            }
            Payload::MemorySection(section) => {
                for memory in section.clone() {
                    spaces.memories.push(memory?);
                }
                (name, entries) = (Some("memory"), Some(section.count()));
            }
            Payload::TagSection(section) => {
                for tag in section.clone() {
                    spaces.tags.push(tag?.func_type_idx);
                }
                (name, entries) = (Some("tag"), Some(section.count()));
            }
            Payload::GlobalSection(section) => {
                for global in section.clone() {
                    spaces.globals.push(global?.ty);
                }
                (name, entries) = (Some("global"), Some(section.count()));
            }
            Payload::ExportSection(section) => {
                for export in section.clone() {
                    let export = export?;
                    let (kind, ty) = spaces.export(export.kind, export.index);
                    summary.exports.push(Export { name: export.name.to_owned(), kind, index: export.index, ty });
                }
                (name, entries) = (Some("export"), Some(section.count()));
            }
            Payload::StartSection { func, .. } => (name, summary.start) = (Some("start"), Some(*func)),
            Payload::ElementSection(section) => {
                (name, entries) = (Some("element"), Some(section.count()));
                summary.element_segments = section.count();
            }
            Payload::DataCountSection { .. } => name = Some("data count"),
            Payload::DataSection(section) => {
                (name, entries) = (Some("data"), Some(section.count()));
                summary.data_segments = section.count();
            }
            Payload::CodeSectionStart { count, .. } => (name, entries) = (Some("code"), Some(*count)),
            Payload::CustomSection(section) => {
                name = Some(section.name());
                if let KnownCustom::Name(names) = section.as_known() {
                    // A broken name section names nothing.
                    summary.name = names.into_iter().find_map(|name| match name {
                        Ok(Name::Module { name, .. }) => Some(name.to_owned()),
                        _ => None,
                    });
                }
            }
            _ => {}
        }
        if let (Some(name), Some((id, range))) = (name, payload.as_section()) {
            let (offset, size) = (range.start, range.end - range.start);
            summary.sections.push(Section { name: name.to_owned(), custom: id == 0, offset, size, entries });
        }
    }
    summary.functions.defined = spaces.functions.len() - summary.functions.imported;
    summary.tables.defined = spaces.tables.len() - summary.tables.imported;
    summary.memories.defined = spaces.memories.len() - summary.memories.imported;
    summary.globals.defined = spaces.globals.len() - summary.globals.imported;
    summary.tags.defined = spaces.tags.len() - summary.tags.imported;
    Ok(summary)
}

/// A name as the text format quotes it, so that no name can disturb the output.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.escape_debug())
}

fn print(summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
    if let Some(name) = &summary.name {
        writeln!(out, "name      {}", quoted(name))?;
    }
    writeln!(out, "size      {} bytes", summary.size)?;
    let features = if summary.features.is_empty() { "none".to_owned() } else { summary.features.join(", ") };
    writeln!(out, "features  {features}")?;
    let counts = [
        ("functions", &summary.functions),
        ("tables", &summary.tables),
        ("memories", &summary.memories),
        ("globals", &summary.globals),
        ("tags", &summary.tags),
    ];
    for (name, Count { imported, defined }) in counts {
        if imported + defined != 0 {
            writeln!(out, "{name:<9} {imported} imported, {defined} defined")?;
        }
    }
    if let Some(start) = summary.start {
        writeln!(out, "start     func {start}")?;
    }
    writeln!(out, "\nsections:")?;
    for Section { name, custom, offset, size, entries } in &summary.sections {
        let name = if *custom { format!("custom {}", quoted(name)) } else { name.clone() };
        let entries = match entries {
            None => String::new(),
            Some(1) => ", 1 entry".to_owned(),
            Some(entries) => format!(", {entries} entries"),
        };
        writeln!(out, "  {offset:#010x}  {name}: {size} bytes{entries}")?;
    }
    if !summary.imports.is_empty() {
        writeln!(out, "\nimports:")?;
    }
    for Import { module, name, kind, ty } in &summary.imports {
        writeln!(out, "{}", format!("  {kind} {} {} {ty}", quoted(module), quoted(name)).trim_end())?;
    }
    if !summary.exports.is_empty() {
        writeln!(out, "\nexports:")?;
    }
    for Export { name, kind, ty, .. } in &summary.exports {
        writeln!(out, "{}", format!("  {kind} {} {ty}", quoted(name)).trim_end())?;
    }
    Ok(())
}
