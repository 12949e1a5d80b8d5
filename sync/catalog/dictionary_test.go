package catalog

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// The dictionary of a catalogue is the same for ever: envelopes of today are
// opened with it years later.
func TestDictionaryVectors(t *testing.T) {
	forEachVector(t, "dictionary", func(v vector) {
		t.Run(v.name, func(t *testing.T) {
			var in struct {
				Agencies []Agency          `json:"agencies"`
				Services []json.RawMessage `json:"services"` // as patches of base.json
				Times    int               `json:"times"`    // the services again, with numbered ids
				Text     string            `json:"text"`
			}
			if err := json.Unmarshal(v.body, &in); err != nil {
				t.Fatal(err)
			}
			c := &Catalogue{Agencies: in.Agencies}
			for i := range max(in.Times, 1) {
				for _, patch := range in.Services {
					s := new(Service)
					if err := json.Unmarshal(merged(t, patch), s); err != nil {
						t.Fatal(err)
					}
					if in.Times > 0 {
						s.ID += fmt.Sprintf("-%d", i)
					}
					c.Services = append(c.Services, *s)
				}
			}
			got := c.Dictionary()
			sum := sha256.Sum256(got)
			if want := hex.EncodeToString(sum[:]); v.expect != want {
				t.Errorf("Dictionary = %d bytes with the SHA-256 %s, want %s", len(got), want, v.expect)
			}
			if in.Text != "" && string(got) != in.Text {
				t.Errorf("Dictionary =\n%s\nwant\n%s", got, in.Text)
			}
			if len(got) > dictionarySize {
				t.Errorf("Dictionary has %d bytes", len(got))
			}
			c.Version++
			if string(c.Dictionary()) != string(got) {
				t.Error("it depends on the catalogue's version")
			}
		})
	})
}

// What is most used, the first service, stands where it is cheapest to point to.
func TestDictionaryOrder(t *testing.T) {
	c := &Catalogue{Services: []Service{{ID: "first"}, {ID: "second"}}}
	d := string(c.Dictionary())
	if strings.Index(d, "first") < strings.Index(d, "second") {
		t.Error("the first service does not stand last")
	}
}
