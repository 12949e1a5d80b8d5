package first

import (
	"strings"
	"testing"

	"github.com/penjire/penjire/firmware/enrol"
)

// FuzzParse: whatever is on a stick is either a set-up, or has one of the flaws that
// the panel has words for; and what is cut off is never taken for a whole one.
func FuzzParse(f *testing.F) {
	whole, _ := setupOf(f, "K-000123")
	for _, s := range []string{
		whole, whole[:len(whole)/2], whole[:len(whole)-2], "", "\x00\x00", "{", `"`, "[]", "null", `{"schema":"penjire-setup/2"}`, `{"schema":7}`, `{"schema":"other/1"}`,
		"\xef\xbb\xbf" + whole, strings.ToUpper(whole), whole + whole, strings.Repeat("[", 70000),
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		_, err := parse(b)
		if _, strict := enrol.ParseSetup(b); (err == nil) != (strict == nil) {
			t.Fatalf("parse = %v, and ParseSetup = %v", err, strict)
		}
		if err == nil {
			return
		}
		if hints[code(err)] == "" {
			t.Errorf("the panel has no words for %s: %v", code(err), err)
		}
		if len(b) <= enrol.MaxSetup && code(err) == "LARGE" {
			t.Errorf("%d bytes are too large", len(b))
		}
	})
}
