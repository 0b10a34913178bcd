//! Images that are no cells: what lies over them takes them off the screen, and they come back.

use multiexpan::config::Images;

use super::harness::screen;

/// How many cells of the frame carry an image's sequence.
fn images(s: &mut super::Screens) -> usize {
    s.drawn()
        .0
        .content
        .iter()
        .filter(|cell| cell.symbol().contains("\x1bP"))
        .count()
}

#[test]
fn a_popup_takes_the_images_under_it_off_the_screen() {
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
fn an_image_made_of_cells_stays_where_nothing_covers_it() {
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
