package page

import (
	"fmt"
	"html/template"
)

// strokes are the icons of these pages, drawn on a 24 × 24 grid with round
// strokes like the ones of ui/asset. They are put into the page itself: an
// icon is there even where a style sheet is not.
var strokes = map[string]string{
	"check":     `<path d="M4.5 12.5l5 5 10-11"/>`,
	"cross":     `<path d="M6 6l12 12M18 6L6 18"/>`,
	"question":  `<path d="M8.5 9a3.5 3.5 0 1 1 5 3.2c-1 .5-1.5 1.2-1.5 2.3"/><path d="M12 18.5v.01"/>`,
	"clock":     `<circle cx="12" cy="12" r="8.5"/><path d="M12 7v5l3.5 2"/>`,
	"warning":   `<path d="M12 4l9 16H3z"/><path d="M12 10v4.5M12 17.200v.01"/>`,
	"download":  `<path d="M12 4v11M7 10.5l5 5 5-5M4.5 20h15"/>`,
	"back":      `<path d="M19 12H5M11 6l-6 6 6 6"/>`,
	"forward":   `<path d="M5 12h14M13 6l6 6-6 6"/>`,
	"inbox":     `<path d="M4 13l3-8h10l3 8v6H4z"/><path d="M4 13h5l1 2.5h4l1-2.5h5"/>`,
	"person":    `<circle cx="12" cy="8" r="4"/><path d="M4.5 20c1-4 4-6 7.5-6s6.5 2 7.5 6"/>`,
	"pen":       `<path d="M4 20l1-4.5L16.5 4l3.5 3.5L8.5 19z"/><path d="M14 6.5l3.5 3.5"/>`,
	"return":    `<path d="M9 6L4 11l5 5"/><path d="M4 11h10a5.5 5.5 0 0 1 0 11"/>`,
	"paper":     `<path d="M6 3h8l4 4v14H6z"/><path d="M14 3v4h4M9 12h6M9 16h6"/>`,
	"shield":    `<path d="M12 3l7.5 3v5.5c0 5-3.2 8-7.5 9.5-4.3-1.5-7.5-4.5-7.5-9.5V6z"/>`,
	"search":    `<circle cx="10.5" cy="10.5" r="6"/><path d="M15 15l5.5 5.5"/>`,
	"kiosk":     `<path d="M6 3h12v11H6zM12 14v5M8 21h8"/>`,
	"list":      `<path d="M9 6h11M9 12h11M9 18h11M4.5 6v.01M4.5 12v.01M4.5 18v.01"/>`,
	"home":      `<path d="M4 11l8-7 8 7v9h-5v-6H9v6H4z"/>`,
	"flag":      `<path d="M6 21V4h11l-2 4 2 4H6"/>`,
	"complaint": `<path d="M4 5h16v11h-9l-5 4v-4H4z"/><path d="M12 8v3.5M12 13.7v.01"/>`,
	"work":      `<path d="M4 8h16v11H4zM9 8V5h6v3M4 13h16"/>`,
}

// icon returns the named icon. It is decoration: the word beside it says the
// same, so it is hidden from readers of the screen.
func icon(name string) (template.HTML, error) {
	s, ok := strokes[name]
	if !ok {
		return "", fmt.Errorf("page: there is no icon %q", name)
	}
	return template.HTML(`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">` + s + `</svg>`), nil //nolint:gosec // constant
}

// HasIcon reports whether there is an icon name.
func HasIcon(name string) bool { _, ok := strokes[name]; return ok }
