//! The whole catalogue is read and linked without a word.

use script::Library;

#[test]
fn every_file_of_the_catalogue_is_read_and_linked() {
    let (library, found) = Library::load(testcases::sources());
    let text: String = found.iter().map(|diagnostic| diagnostic.render(false)).collect();
    assert!(found.is_empty(), "{text}");
    assert_eq!(library.cases().len() + library.parts().len(), testcases::sources().len());
}
