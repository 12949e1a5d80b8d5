package seal_test

import (
	"crypto/sha256"
	"slices"
	"strings"
	"testing"

	"rsc.io/qr"

	"github.com/penjire/penjire/sync/citizen"
	"github.com/penjire/penjire/sync/edoc/seal"
	"github.com/penjire/penjire/sync/edoc/specimen"
)

// version returns the QR version of a text at a level.
func version(t *testing.T, text string, level qr.Level) int {
	t.Helper()
	c, err := qr.Encode(text, level)
	if err != nil {
		t.Fatal(err)
	}
	return (c.Size - 17) / 4
}

// Ids and an address of a portal longer than any in use.
var (
	longID   = strings.Repeat("a", 32)
	longBase = "https://" + strings.Repeat("a", 51)
)

// What a receipt printer and a phone have to read (research: modules of 0.5 mm,
// versions 9 to 17 alike), whatever is in the document.
func TestWorstCases(t *testing.T) {
	w, err := specimen.New(now)
	if err != nil {
		t.Fatal(err)
	}
	doc := sha256.Sum256([]byte("an answer"))
	agency := w.Agencies["civil-registry"]
	who := citizen.Person{Name: citizen.NewText(strings.Repeat("Гурбангүлжемал", 2)), Surname: citizen.NewText("Ж")}
	for _, tt := range []struct {
		name string
		fact [2]string
		n    int
		want int // facts carried
	}{
		{"300 short", [2]string{"a", "1"}, 300, 33},
		{"one of 4000 letters", [2]string{"text", strings.Repeat("ş", 4000)}, 1, 0},
		{"twelve long", [2]string{"address", strings.Repeat("ş", 10)}, 12, 5},
		{"none", [2]string{}, 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := seal.Seal{Issuer: longID, Service: longID, Doc: doc[:], Date: now, Subject: who.Masked()}
			for range tt.n {
				s.Facts = append(s.Facts, tt.fact)
			}
			// The agency's certificate names another: a seal's size does not depend on that.
			got, err := seal.MakeCopy(s, agency.Key, agency.Cert)
			if err != nil {
				t.Fatal(err)
			}
			v, a4 := version(t, got.URL(longBase), qr.M), version(t, got.URL(longBase), qr.Q)
			t.Logf("%d bytes, %d of %d facts, version %d at M, %d at Q", len(got.Bytes()), len(got.Facts), tt.n, v, a4)
			if len(got.Bytes()) > seal.CopyMax || v > 17 || a4 > 21 {
				t.Errorf("got %d bytes, version %d at M and %d at Q, want at most %d, 17 and 21", len(got.Bytes()), v, a4, seal.CopyMax)
			}
			if len(got.Facts) != tt.want {
				t.Errorf("carries %d facts, want %d", len(got.Facts), tt.want)
			}
			for _, f := range got.Facts {
				if f != tt.fact {
					t.Errorf("carries %.20q, want each fact whole", f)
				}
			}
			total := tt.n
			if tt.want == tt.n {
				total = 0
			}
			if got.Total != total {
				t.Errorf("Total = %d, want %d", got.Total, total)
			}
		})
	}
	receipt := seal.Seal{
		Kind: seal.Receipt, Issuer: longID, Service: longID, Doc: doc[:], Date: now, Index: 1 << 40, Size: 1 << 41, Root: doc[:],
	}
	got, err := seal.Make(receipt, w.Device.Signing.Key, w.Device.Signing.Cert)
	if err != nil {
		t.Fatal(err)
	}
	if v := version(t, got.URL(longBase), qr.M); v > 14 {
		t.Errorf("a receipt's code has version %d, want at most 14", v)
	}
}

// A fact that does not fit does not keep a shorter one behind it out.
func TestCarriesWhatFits(t *testing.T) {
	w, err := specimen.New(now)
	if err != nil {
		t.Fatal(err)
	}
	agency := w.Agencies["civil-registry"]
	facts := [][2]string{{"first", "1"}, {"long", strings.Repeat("x", 400)}, {"last", "2"}}
	got, err := seal.MakeCopy(seal.Seal{
		Issuer: "civil-registry", Service: "s", Doc: make([]byte, 32), Date: now, Facts: slices.Clone(facts),
	}, agency.Key, agency.Cert)
	if err != nil {
		t.Fatal(err)
	}
	if want := [][2]string{facts[0], facts[2]}; !slices.Equal(got.Facts, want) || got.Total != 3 {
		t.Errorf("carries %d facts of %d, want the first and the last of 3", len(got.Facts), got.Total)
	}
	wrong := got.Seal
	wrong.Total = 2
	if _, err := seal.Make(wrong, agency.Key, agency.Cert); err == nil {
		t.Error("a seal that says it carries all and that it does not was made")
	}
}
