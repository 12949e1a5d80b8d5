package archtest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRecords wants a number of its own for each architecture decision record, and the
// same in its name and in its title: others point to it by that.
func TestRecords(t *testing.T) {
	root, err := moduleRoot()
	if err != nil {
		t.Fatal(err)
	}
	names, err := filepath.Glob(filepath.Join(root, "firmware/docs/adr/*.md"))
	if err != nil || len(names) < 10 {
		t.Fatalf("%d records, %v", len(names), err)
	}
	has := map[string]string{}
	for _, name := range names {
		number, _, _ := strings.Cut(filepath.Base(name), "-")
		if other, taken := has[number]; taken {
			t.Errorf("%s and %s have one number", filepath.Base(name), other)
		}
		has[number] = filepath.Base(name)
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprintf("# %s. ", strings.TrimLeft(number, "0")); !strings.HasPrefix(string(b), want) {
			t.Errorf("%s begins %.20q, want %q", filepath.Base(name), b, want)
		}
	}
}
