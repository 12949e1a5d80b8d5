package layout

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// DataFormat is the format of what the kiosk keeps in the data partition. Software
// reads its own format and the one before; it goes up by one when older software
// could not read what newer wrote. Software that reads a new format comes one release
// before software that writes it: then the slot that a kiosk goes back to reads what
// the one on trial wrote.
const DataFormat = 1

// Release is what an image says about itself in [ReleaseFile].
type Release struct {
	Version    string    `json:"version"` // of the software, for people and RAUC: "1.4.0"
	Board      string    `json:"board"`   // name of a board
	Build      time.Time `json:"build"`   // of the sources, not of the moment: images are reproducible
	DataFormat int       `json:"data_format"`
	Developer  bool      `json:"developer,omitempty"` // signed with a developer's key: not for service
}

// ParseRelease reads a release file strictly.
func ParseRelease(b []byte) (Release, error) {
	var r Release
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		return Release{}, fmt.Errorf("layout: release: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Release{}, errors.New("layout: release: there is something after the object")
	}
	switch {
	case r.Version == "":
		return Release{}, errors.New("layout: release: it has no version")
	case r.Board == "":
		return Release{}, errors.New("layout: release: it has no board")
	case r.DataFormat < 1:
		return Release{}, fmt.Errorf("layout: release: data_format: got %d, want 1 or more", r.DataFormat)
	}
	return r, nil
}
