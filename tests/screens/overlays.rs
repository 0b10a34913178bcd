//! Images that are not made of cells: a popup over them clears them, and they are drawn again.

use multiexpan::config::Images;

use super::harness::screen;

/// Returns the number of cells of the frame that carry an image's escape sequence.
fn images(s: &mut super::Screens) -> usize {
    s.drawn()
        .0
        .content
        .iter()
        .filter(|cell| cell.symbol().contains("\x1bP"))
        .count()
}

#[test]
fn a_popup_clears_the_images_under_it() {
    let mut s = screen(120, 40);
    s.with_images(Images::Sixel).open("carnivorous");
    let shown = images(&mut s);
    assert!(shown > 0, "{}", s.text());
    s.keys("?");
    assert_eq!(images(&mut s), 0, "help lies over all of them");
    s.keys("<esc>");
    assert_eq!(images(&mut s), shown);
}

#[test]
fn an_image_made_of_cells_stays_where_it_is_not_covered() {
    let mut s = screen(120, 40);
    s.with_images(Images::Halfblocks).open("carnivorous");
    let blocks = |s: &mut super::Screens| s.text().matches(['▀', '▄']).count();
    let before = blocks(&mut s);
    s.keys(",");
    let after = blocks(&mut s);
    assert!(
        before > 0 && after > 0 && after <= before,
        "{before} {after}"
    );
}
