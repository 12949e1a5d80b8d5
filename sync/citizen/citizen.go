// Package citizen holds personal data in types that cannot print themselves.
//
// It is ground: every folder may import it, and it imports only the standard
// library. A value of these types reaches a log, an error, a metric or a URL
// only as the word [Hidden]; whoever needs the data itself says so by calling
// Reveal (REQUIREMENTS EG-14.3, ED-46).
//
// The data stands behind a pointer. A String method alone is not enough: fmt
// does not call methods of unexported fields, so a plain string inside would
// be printed by %v of whatever struct holds it.
package citizen

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"strings"
)

// Hidden is what a personal value prints as.
const Hidden = "[personal]"

// Text is one piece of personal data: a name, an address, an answer.
// The zero value is the empty text.
type Text struct{ p *string }

// NewText returns s as a Text.
func NewText(s string) Text {
	if s == "" {
		return Text{}
	}
	return Text{&s}
}

// Reveal returns the data itself. Every call is a place to review.
func (t Text) Reveal() string {
	if t.p == nil {
		return ""
	}
	return *t.p
}

// IsZero reports whether there is no data.
func (t Text) IsZero() bool { return t.p == nil }

// Equal reports whether both hold the same data.
func (t Text) Equal(u Text) bool { return t.Reveal() == u.Reveal() }

// String implements fmt.Stringer without giving the data away.
func (t Text) String() string { return Hidden }

// GoString implements fmt.GoStringer without giving the data away.
func (t Text) GoString() string { return Hidden }

// Format implements fmt.Formatter: every verb prints [Hidden].
func (t Text) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, Hidden) }

// LogValue implements slog.LogValuer without giving the data away.
func (t Text) LogValue() slog.Value { return slog.StringValue(Hidden) }

// MarshalJSON refuses: personal data is written only by code that names its
// fields and calls Reveal. A struct that is marshalled by accident fails.
func (t Text) MarshalJSON() ([]byte, error) {
	return nil, fmt.Errorf("citizen: personal data is not marshalled by itself")
}

// UnmarshalJSON reads a JSON string.
func (t *Text) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return fmt.Errorf("citizen: read personal text: %w", err)
	}
	*t = NewText(s)
	return nil
}

// ID is the unified identifier of a person or an organisation (EG-12).
type ID struct{ Text }

// ParseID checks that s is well formed: 6 to 20 letters and digits, spaces and
// hyphens left out. The error does not repeat s.
func ParseID(s string) (ID, error) {
	s = strings.ToUpper(strings.ReplaceAll(strings.ReplaceAll(s, " ", ""), "-", ""))
	if n := len(s); n < 6 || n > 20 {
		return ID{}, fmt.Errorf("citizen: parse identifier: got %d characters, want 6 to 20", n)
	}
	for _, r := range s {
		if (r < '0' || r > '9') && (r < 'A' || r > 'Z') {
			return ID{}, fmt.Errorf("citizen: parse identifier: it holds something other than letters and digits")
		}
	}
	return ID{NewText(s)}, nil
}

// Masked returns the last four characters behind dots, for the screen that asks
// «is this you?».
func (id ID) Masked() string {
	s := id.Reveal()
	if len(s) < 4 {
		return "••••"
	}
	return "•••• " + s[len(s)-4:]
}

// Person is who a card says its holder is.
type Person struct {
	ID         ID
	Surname    Text
	Name       Text
	Patronymic Text
}

// Masked returns the given name whole and the surname as one letter: enough to
// know oneself, too little for the person behind (EN 301 549 5.1.3.9).
func (p Person) Masked() string {
	s := p.Name.Reveal()
	if r := []rune(p.Surname.Reveal()); len(r) > 0 {
		s += " " + string(r[0]) + "."
	}
	return s
}
