package first

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/penjire/penjire/firmware/enrol"
	ui "github.com/penjire/penjire/ui/panel"
)

// hints are what the panel says of the codes of this package that a technician can do
// something about where a kiosk has no set-up.
var hints = map[string]ui.Hint{
	"NONE": ui.NoFile, "CUT": ui.CutOff, "LARGE": ui.TooLarge, "FOREIGN": ui.Foreign, "VERSION": ui.OtherVersion, "FAULTY": ui.Faulty,
	"READ": ui.Unreadable, "KEEP": ui.NotKept, "STICK-KEPT": ui.NotWiped,
}

// parse reads a set-up. What is wrong with one is a fault that says what a person has
// to do: copy it again, fetch another one, or look for the right file.
func parse(b []byte) (enrol.Setup, error) {
	s, err := enrol.ParseSetup(b)
	if err == nil {
		return s, nil
	}
	return s, faultf(flaw(b), "%w", err)
}

// flaw is what is wrong with what is no set-up.
func flaw(b []byte) string {
	if len(b) > enrol.MaxSetup {
		return "LARGE"
	}
	if len(bytes.Trim(b, "\x00 \t\r\n")) == 0 {
		return "CUT" // a copy of which only the name, or the length, came through
	}
	var head struct {
		Schema string `json:"schema"`
	}
	err := json.Unmarshal(b, &head)
	syntax, broken := errors.AsType[*json.SyntaxError](err)
	var version int
	_, known := fmt.Sscanf(head.Schema, "penjire-setup/%d", &version)
	switch {
	case broken && syntax.Offset >= int64(len(bytes.TrimRight(b, "\x00"))):
		return "CUT"
	case broken:
		return "FAULTY"
	case known != nil:
		return "FOREIGN"
	case head.Schema != enrol.Schema:
		return "VERSION"
	}
	return "FAULTY"
}
