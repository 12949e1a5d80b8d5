package enrol

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestCodeAsTyped(t *testing.T) {
	c := NewCode()
	w := c.Written()
	for _, typed := range []string{w, strings.ToLower(w), strings.ReplaceAll(w, "-", " "), c.Reveal(), " " + w + " ", strings.ReplaceAll(w, "0", "o"), strings.ReplaceAll(w, "1", "l")} {
		got, err := ParseCode(typed)
		if err != nil || got.Reveal() != c.Reveal() {
			t.Errorf("ParseCode of the code typed another way = %v, want the code", err)
		}
	}
	for _, typed := range []string{"", w[:18], w + "0", "K7M4-P29Q-DX3B-5TR", strings.Repeat("U", 16)} {
		if got, err := ParseCode(typed); !errors.Is(err, ErrCode) || !got.IsZero() {
			t.Errorf("ParseCode(%d symbols that are no code) = %v, want ErrCode", len(typed), err)
		}
	}
}

// Every code with one wrong symbol, and every one with two neighbours swapped, is
// seen to be wrong.
func TestCodeChecks(t *testing.T) {
	for range 200 {
		s := NewCode().Reveal()
		for i := range s {
			for _, r := range alphabet {
				if typo := s[:i] + string(r) + s[i+1:]; typo != s {
					if _, err := ParseCode(typo); err == nil {
						t.Fatalf("symbol %d of %s changed to %c: it is taken for a code", i, s, r)
					}
				}
			}
			if i == 0 || s[i] == s[i-1] || i >= codeRandom {
				continue
			}
			if _, err := ParseCode(s[:i-1] + s[i:i+1] + s[i-1:i] + s[i+1:]); err == nil {
				t.Fatalf("symbols %d and %d of %s swapped: it is taken for a code", i-1, i, s)
			}
		}
	}
}

// A code cannot be printed, logged or marshalled, wherever it stands.
func TestCodeHides(t *testing.T) {
	c := NewCode()
	type holder struct{ c Code }
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
		_, _ = fmt.Fprintf(&out, verb+verb, c, holder{c})
	}
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "c", c, "h", holder{c})
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "c", c, "h", holder{c})
	b, err := json.Marshal(c)
	if err == nil {
		t.Error("Marshal of a code: got no error, want one")
	}
	out.Write(b)
	if strings.Contains(out.String(), c.Reveal()) || strings.Contains(out.String(), c.Written()) ||
		strings.Contains(out.String(), fmt.Sprintf("%x", c.Reveal())) {
		t.Errorf("a code printed itself: %s", out.String())
	}
}

func FuzzParseCode(f *testing.F) {
	for _, s := range []string{"", "0000-0000-0000-0000", "o000 0000·0000.0000", "K7M4-P29Q-DX3B-5TRE", "ÿ", "ı234"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c, err := ParseCode(s)
		if (err == nil) == c.IsZero() {
			t.Fatalf("ParseCode(%q): error %v, code there: %v", s, err, !c.IsZero())
		}
		if err != nil {
			return
		}
		again, err := ParseCode(c.Written())
		if err != nil || again.Reveal() != c.Reveal() {
			t.Errorf("ParseCode of what it read from %q, written out, = %v, want the same", s, err)
		}
	})
}
