// Element: what the elements of HTML do to the text in them.
// HTML, section 15.3.
// SPDX-License-Identifier: MIT

import MailModel

/// Elements, by their names in small letters.
enum Element {
    private static let blocks = names(
        """
        address article aside blockquote body br caption center dd details dialog dir div dl dt \
        fieldset figcaption figure footer form frame frameset h1 h2 h3 h4 h5 h6 head header hgroup \
        hr html legend li listing main menu nav ol optgroup option p pre search section select \
        summary table tbody textarea tfoot thead title tr ul
        """)
    private static let voids = names(
        "area base br col embed frame hr img input link meta param source track wbr")

    /// What stands on lines of its own.
    static func isBlock(_ name: [UInt8]) -> Bool { blocks.contains(name) }

    /// What stands beside the next of its kind.
    static func isCell(_ name: [UInt8]) -> Bool {
        name.elementsEqual("td".utf8) || name.elementsEqual("th".utf8)
    }

    /// What never has an end tag.
    static func isVoid(_ name: [UInt8]) -> Bool { voids.contains(name) }

    /// What holds no text for a reader.
    static func isRaw(_ name: [UInt8]) -> Bool {
        name.elementsEqual("script".utf8) || name.elementsEqual("style".utf8)
    }

    /// True for attributes that hide an element: the usual ways of those who pad their words.
    static func isHidden(_ attributes: ArraySlice<UInt8>) -> Bool {
        let words = attributes.asciiLowercased.filter { !$0.isHTMLSpace }
        return hiding.contains { words.firstRange(ofExactly: $0) != nil }
    }

    private static let hiding = [
        "display:none", "visibility:hidden", "font-size:0;", "font-size:0p", "font-size:0e",
        "font-size:0\"", "font-size:0'", "mso-hide:all", "opacity:0;", "opacity:0\"",
    ]

    private static func names(_ text: String) -> Set<[UInt8]> {
        Set(text.utf8.split(separator: 0x20).map { Array($0) })
    }
}
