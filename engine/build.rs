//! Copies the C headers of the pinned Wasmtime to where CMake looks for them.
use std::{env, fs, io, path::Path};

fn copy_tree(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_tree(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

fn main() -> io::Result<()> {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=BOXAGNTS_ENGINE_INCLUDE");
    let from = env::var("DEP_WASMTIME_C_API_INCLUDE").expect("set by wasmtime-c-api-impl");
    let to = match env::var("BOXAGNTS_ENGINE_INCLUDE") {
        Ok(dir) => dir,
        Err(_) => format!("{}/include", env::var("OUT_DIR").expect("set by cargo")),
    };
    copy_tree(Path::new(&from), Path::new(&to))
}
