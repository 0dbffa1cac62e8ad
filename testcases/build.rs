//! Embedded folders are not watched by the compiler: a new case must bring a new build.

fn main() {
    for folder in ["1.6", "2.0.1", "2.1", "wire", "states"] {
        println!("cargo:rerun-if-changed={folder}");
    }
}
