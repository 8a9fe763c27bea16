//! The most memory that a process has resident while it loads and instantiates a module, the module's bytes included.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use serde::Serialize;

use crate::report::{self, Table};
use crate::start::{files, stem};
use crate::{engines, isolated};

/// Options of this measurement.
#[derive(clap::Args)]
pub struct Args {
    /// The engines; all but V8, whose process is another one, if none is named.
    #[arg(long, value_delimiter = ',')]
    engines: Vec<String>,
    /// Modules, or directories of them.
    #[arg(long, value_delimiter = ',', default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/real/modules"))]
    modules: Vec<PathBuf>,
    /// An engine that needs more seconds for a module is left out there.
    #[arg(long, default_value_t = 60)]
    limit: u64,
    /// Write everything there, too.
    #[arg(long)]
    json: Option<PathBuf>,
}

#[derive(Serialize)]
struct Row {
    module: String,
    bytes: usize,
    engine: String,
    /// KiB that were resident before the module was read.
    before: Option<u64>,
    /// Most KiB that were ever resident.
    peak: Option<u64>,
    refused: Option<String>,
}

/// Loads and instantiates each module in one process for each engine, and reports.
pub fn main(args: &Args) -> Result<()> {
    let engines = engines::choose(&args.engines, |entry| !entry.name.starts_with("v8"))?;
    let mut rows = Vec::new();
    for file in files(&args.modules)? {
        let bytes = std::fs::metadata(&file)?.len() as usize;
        let mut table = Table::new(&["engine", "peak MiB", "more, by module size"]);
        println!("\n{}: {bytes} bytes", stem(&file));
        for engine in &engines {
            let row = Row {
                module: stem(&file),
                bytes,
                engine: engine.name.clone(),
                before: None,
                peak: None,
                refused: None,
            };
            rows.push(match isolated::probe(&engine.name, &file, None, Duration::from_secs(args.limit)) {
                Ok(probe) => {
                    let (before, peak) = probe.resident;
                    let more = format!("{:.2}x", (peak.saturating_sub(before) * 1024) as f64 / bytes.max(1) as f64);
                    table.row(vec![engine.name.clone(), format!("{:.1}", peak as f64 / 1024.0), more]);
                    Row { before: Some(before), peak: Some(peak), refused: probe.error, ..row }
                }
                Err(error) => Row { refused: Some(format!("{error:#}")), ..row },
            });
        }
        table.print();
        for row in rows.iter().filter(|row| row.module == stem(&file)) {
            if let Some(reason) = &row.refused {
                println!("{} ended early: {reason}", row.engine);
            }
        }
    }
    report::write(args.json.as_deref(), &rows)
}
