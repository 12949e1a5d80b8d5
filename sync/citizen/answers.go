package citizen

import (
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
)

// Answers are what a citizen answered, by question name. All values are texts,
// as in XLSForm: a number as its digits, a date as YYYY-MM-DD, several choices
// with spaces between them. The zero value has no answers and may be read.
//
// Answers never change: With returns a copy. They stand behind a function
// because fmt follows a pointer to a map, even in an unexported field, when the
// verb does not fit.
type Answers struct{ m func() map[string]string }

// NewAnswers returns a copy of m as Answers.
func NewAnswers(m map[string]string) Answers {
	c := maps.Clone(m)
	return Answers{func() map[string]string { return c }}
}

// Get returns the answer to the question name, or "".
func (a Answers) Get(name string) string {
	if a.m == nil {
		return ""
	}
	return a.m()[name]
}

// With returns a copy in which name has the value v; "" takes it out.
func (a Answers) With(name, v string) Answers {
	c := a.Reveal()
	if v == "" {
		delete(c, name)
	} else {
		c[name] = v
	}
	return NewAnswers(c)
}

// Names returns the names of the questions answered, sorted.
func (a Answers) Names() []string { return slices.Sorted(maps.Keys(a.Reveal())) }

// Reveal returns a copy of the answers themselves.
func (a Answers) Reveal() map[string]string {
	c := map[string]string{}
	if a.m != nil {
		maps.Copy(c, a.m())
	}
	return c
}

// String implements fmt.Stringer without giving the data away.
func (a Answers) String() string { return Hidden }

// GoString implements fmt.GoStringer without giving the data away.
func (a Answers) GoString() string { return Hidden }

// Format implements fmt.Formatter: every verb prints [Hidden].
func (a Answers) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, Hidden) }

// LogValue implements slog.LogValuer without giving the data away.
func (a Answers) LogValue() slog.Value { return slog.StringValue(Hidden) }

// MarshalJSON refuses, as [Text.MarshalJSON] does.
func (a Answers) MarshalJSON() ([]byte, error) {
	return nil, fmt.Errorf("citizen: answers are not marshalled by themselves")
}
