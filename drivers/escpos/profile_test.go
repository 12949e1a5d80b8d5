package escpos

import (
	"strings"
	"testing"
)

// TestProfilesAreStrict: what is misspelt, missing or senseless in a profile is
// said, and not taken.
func TestProfilesAreStrict(t *testing.T) {
	const good = `"about": "x", "dots": 576, "dpi": 203, "raster": "gs-v-0", "cut": "1d564200", "status": "epson", "confirm": "id"`
	if _, err := parseProfiles([]byte(`{"a": {` + good + `}}`)); err != nil {
		t.Fatalf("parseProfiles = %v, want nil", err)
	}
	for name, v := range map[string]struct{ old, new, want string }{
		"unknown key":     {`"dpi"`, `"dip"`, "unknown field"},
		"odd width":       {"576", "570", "dots: got 570"},
		"no resolution":   {"203", "0", "dpi: got 0"},
		"unknown command": {"gs-v-0", "gs-v-1", "raster: got"},
		"no cut":          {"1d564200", "", "cut: got nothing"},
		"half a byte":     {"1d564200", "1d5", "odd length"},
		"unknown status":  {"epson", "star", "status: got"},
		"wrong sign":      {`"id"`, `"job"`, "want job with nippon"},
		"unknown page":    {`"status"`, `"pages": {"cp853": 1}, "status"`, "pages: got"},
		"blind presenter": {`"status"`, `"presenter": {"eject": "00"}, "status"`, "does not tell"},
	} {
		_, err := parseProfiles([]byte(`{"a": {` + strings.Replace(good, v.old, v.new, 1) + `}}`))
		if err == nil || !strings.Contains(err.Error(), v.want) {
			t.Errorf("%s: parseProfiles = %v, want %q", name, err, v.want)
		}
	}
	for _, s := range []string{"", "{}", "[]", `{"a": {` + good + `}} {}`} {
		if _, err := parseProfiles([]byte(s)); err == nil {
			t.Errorf("parseProfiles(%q) = nil, want an error", s)
		}
	}
	if _, err := New(nil, Opts{Profile: "abacus"}); err == nil || !strings.Contains(err.Error(), Generic) {
		t.Errorf("New with an unknown profile = %v, want the names of those there are", err)
	}
}

// TestPages: a profile with pages has all letters of Turkmen and Russian in them.
func TestPages(t *testing.T) {
	for _, name := range Profiles() {
		p, err := ProfileOf(name)
		if err != nil {
			t.Fatal(err)
		}
		_, _, ok := p.encode("äÄçÇžŽňŇöÖşŞüÜýÝ Ёё№АБЯабя", "")
		if want := len(p.Pages) > 0; ok != want {
			t.Errorf("%s: encode = %v, want %v", name, ok, want)
		}
	}
}

// TestEncode are the bytes that @point-of-sale/receipt-printer-encoder 4.0.1
// chose for the first text, and the rule for the rest: a page is selected when
// a letter needs it.
func TestEncode(t *testing.T) {
	p, err := ProfileOf("epson-tm-t20")
	if err != nil {
		t.Fatal(err)
	}
	nippon, err := ProfileOf("nippon-np-3511")
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []struct {
		p              Profile
		text, selected string
		want, page     string
	}{
		{p, "ňşžý", "", "\x1Bt\x12\xe5\xad\xa7\xec", "cp852"},
		{p, "ňşžý", "cp852", "\xe5\xad\xa7\xec", "cp852"},
		{p, "Заявка", "", "\x1Bt\x11\x87\xa0\xef\xa2\xaa\xa0", "cp866"},
		{p, "ş Я 1", "", "\x1Bt\x12\xad \x1Bt\x11\x9f 1", "cp866"},
		{p, "№1 —", "", "\x1Bt\x11\xfc1 \x1Bt\x2d\x97", "cp1250"},
		{nippon, "ňşžý Я", "", "\x1Bt\x03\xf2\xba\x9e\xfd \x1Bt\x04\xdf", "cp1251"},
	} {
		b, page, ok := v.p.encode(v.text, v.selected)
		if string(b) != v.want || page != v.page || !ok {
			t.Errorf("encode(%q, %q) = % X, %q, %v, want % X, %q", v.text, v.selected, b, page, ok, v.want, v.page)
		}
	}
	if b, page, ok := p.encode("漢", "cp852"); b != nil || page != "cp852" || ok {
		t.Errorf("encode of what no page has = % X, %q, %v, want nothing", b, page, ok)
	}
}
