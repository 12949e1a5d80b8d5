package edoc_test

import (
	"fmt"
	"testing"

	"github.com/penjire/penjire/sync/edoc"
)

const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// TestCodeNoticesSlips tries every single wrong symbol and every exchange of
// two, near or far (ED-CODE-3).
func TestCodeNoticesSlips(t *testing.T) {
	code := edoc.CodeOf([]byte("\x9c\x31\x07\xe4\x55\x2a"))
	if _, err := edoc.ParseCode(code); err != nil {
		t.Fatal(err)
	}
	try := func(b []byte) {
		if string(b) == code {
			return
		}
		if _, err := edoc.ParseCode(string(b)); err == nil {
			t.Errorf("ParseCode(%q): want an error, since the code is %q", b, code)
		}
	}
	for i := range code {
		for _, c := range crockford {
			b := []byte(code)
			b[i] = byte(c)
			try(b)
		}
		for j := range i {
			b := []byte(code)
			b[i], b[j] = b[j], b[i]
			try(b)
		}
	}
}

func ExampleParseCode() {
	code, err := edoc.ParseCode("o2 ·oooo-ooo3")
	fmt.Println(code, err)
	code = edoc.CodeOf([]byte{1, 2, 3, 4, 5, 6})
	fmt.Println(edoc.FormatCode(code))
	// Output:
	//  edoc: it is not a tracking code
	// 04106·1050G
}
