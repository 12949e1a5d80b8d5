package escpos

import (
	"bytes"
	_ "embed" // profiles.json
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
)

// Profile is what a model of printers is, and what of ESC/POS it knows.
type Profile struct {
	About string `json:"about"` // for the technician
	Dots  int    `json:"dots"`  // in a line, in whole bytes
	DPI   int    `json:"dpi"`
	// Raster is the command for pictures.
	Raster Raster `json:"raster"`
	// Pages are the code pages that text is printed with, by the number that
	// ESC t has for each on this model. Without any, text is printed as pictures.
	Pages map[string]byte `json:"pages"`
	QR    bool            `json:"qr"` // knows GS ( k for QR codes
	// Cut feeds to the cutter where needed, and cuts.
	Cut       Bytes      `json:"cut"`
	Presenter *Presenter `json:"presenter"` // nil: it has none
	Status    Status     `json:"status"`
	Confirm   Confirm    `json:"confirm"`
	// NoClear: the printer does not know DLE DC4 8. What it holds of a job that
	// failed comes out when it can print again; so it is given little at a time.
	NoClear bool `json:"no_clear"`
}

// Presenter is what holds a cut paper in the output until it is taken.
type Presenter struct {
	Present Bytes `json:"present"` // shows the paper; empty: cutting does
	Eject   Bytes `json:"eject"`   // lets go of it
	Retract Bytes `json:"retract"` // pulls it back into a bin; empty: cannot
}

// Raster names a command for pictures.
type Raster string

// The commands for pictures.
const (
	RasterGSv0    Raster = "gs-v-0"
	RasterGSL     Raster = "gs-(-L" // functions 112 and 50
	RasterGS8L    Raster = "gs-8-L" // the same with a longer length
	RasterColumns Raster = "esc-*"  // mode 33: strips of 24 rows, column by column
)

// Status names the way a printer says what state it is in.
type Status string

// The ways.
const (
	StatusEpson  Status = "epson"  // DLE EOT 1 to 4, and GS a
	StatusCustom Status = "custom" // DLE EOT 20, and GS E0
	StatusNippon Status = "nippon" // ESC v
)

// Confirm names the sign that all of a job was executed.
type Confirm string

// The signs.
const (
	ConfirmID     Confirm = "id"     // GS ( H; a printer that does not answer it is asked by GS r
	ConfirmSensor Confirm = "sensor" // GS r
	ConfirmJob    Confirm = "job"    // Nippon's GS G 30h
)

// Bytes is a command, written as hex digits.
type Bytes []byte

// UnmarshalJSON implements json.Unmarshaler.
func (b *Bytes) UnmarshalJSON(p []byte) error {
	var s string
	if err := json.Unmarshal(p, &s); err != nil {
		return err
	}
	v, err := hex.DecodeString(s)
	*b = v
	return err
}

// Generic is the profile that New takes when it is told none.
const Generic = "generic"

//go:embed profiles.json
var profilesJSON []byte

// profiles are those of the file, which is part of the program.
var profiles = sync.OnceValue(func() map[string]Profile {
	p, err := parseProfiles(profilesJSON)
	if err != nil {
		panic(err)
	}
	return p
})

// Profiles returns the names of the profiles, sorted.
func Profiles() []string { return slices.Sorted(maps.Keys(profiles())) }

// ProfileOf returns the profile of that name.
func ProfileOf(name string) (Profile, error) {
	p, ok := profiles()[name]
	if !ok {
		return p, fmt.Errorf("escpos: no profile %q; there are %q", name, Profiles())
	}
	return p, nil
}

// parseProfiles reads a file of profiles. It wants every key to be known and
// every profile to make sense, and says all that is wrong at once.
func parseProfiles(b []byte) (map[string]Profile, error) {
	var out map[string]Profile
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&out); err != nil {
		return nil, fmt.Errorf("escpos: read profiles: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("escpos: read profiles: something follows them")
	}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(out)) {
		for _, err := range out[name].faults() {
			errs = append(errs, fmt.Errorf("escpos: profile %s: %w", name, err))
		}
	}
	if len(out) == 0 {
		errs = append(errs, errors.New("escpos: no profile"))
	}
	return out, errors.Join(errs...)
}

func (p Profile) faults() (errs []error) {
	want := func(ok bool, format string, a ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, a...))
		}
	}
	want(p.About != "", "about: got nothing, want what it is")
	want(p.Dots >= 8 && p.Dots <= maxDots && p.Dots%8 == 0, "dots: got %d, want whole bytes up to %d", p.Dots, maxDots)
	want(p.DPI >= 100 && p.DPI <= 600, "dpi: got %d, want 100 to 600", p.DPI)
	want(slices.Contains([]Raster{RasterGSv0, RasterGSL, RasterGS8L, RasterColumns}, p.Raster), "raster: got %q, want a command", p.Raster)
	want(len(p.Cut) > 0, "cut: got nothing, want a command")
	want(slices.Contains([]Status{StatusEpson, StatusCustom, StatusNippon}, p.Status), "status: got %q, want a way", p.Status)
	want(slices.Contains([]Confirm{ConfirmID, ConfirmSensor, ConfirmJob}, p.Confirm), "confirm: got %q, want a sign", p.Confirm)
	want((p.Confirm == ConfirmJob) == (p.Status == StatusNippon), "confirm: got %q with status %q, want job with nippon", p.Confirm, p.Status)
	for name := range p.Pages {
		_, ok := pages[name]
		want(ok, "pages: got %q, want a code page", name)
	}
	if p.Presenter != nil {
		want(len(p.Presenter.Eject) > 0, "presenter: eject: got nothing, want a command")
		want(p.Status != StatusEpson, "presenter: got one with status epson, which does not tell of it")
	}
	return errs
}

// maxDots bounds a line.
const maxDots = 4096
