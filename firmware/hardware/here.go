package hardware

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/penjire/penjire/sync/durable"
)

// File is where the report of the last start is, in memory: who makes it sees more of
// the machine than the daemon, which is kept from most of /proc.
const File = "/run/penjire/hardware.json"

// Keep puts the report of this machine, whose image is for that board, into [File].
func Keep(image string) error {
	r, err := Look("/", image)
	if err != nil {
		return err
	}
	if err := durable.WriteFile(File, r.Marshal(), 0o644); err != nil {
		return fmt.Errorf("hardware: %w", err)
	}
	return nil
}

// LookHere reports the machine that this runs on, whose image is for that board. What
// is plugged in is as it is now; what the daemon may not see is as [File] has it.
func LookHere(image string) (Report, error) { return lookHere("/", File, image) }

func lookHere(root, file, image string) (Report, error) {
	r, err := Look(root, image)
	if err != nil {
		return Report{}, err
	}
	b, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return r, nil
	}
	var at Report
	if err == nil {
		err = json.Unmarshal(b, &at)
	}
	if err != nil {
		return Report{}, fmt.Errorf("hardware: read %s: %w", file, err)
	}
	if at.Schema == Schema {
		r.Machine, r.Kernel = at.Machine, at.Kernel
	}
	return r, nil
}
