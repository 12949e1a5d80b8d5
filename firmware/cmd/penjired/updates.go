package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/penjire/penjire/boards/layout"
	"github.com/penjire/penjire/firmware/kiosk"
	"github.com/penjire/penjire/firmware/update/logind"
	"github.com/penjire/penjire/firmware/update/rauc"
	"github.com/penjire/penjire/sync/edoc/keyfile"
)

// updates returns how the software is renewed, if it runs from an image; nil: it does
// not.
func updates() (*kiosk.Updates, error) {
	b, err := os.ReadFile(layout.ReleaseFile)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read what this image is: %w", err)
	}
	u := &kiosk.Updates{Trials: layout.UpdateDir, Installer: &rauc.Client{}, Restart: (&logind.Client{}).Reboot}
	if u.Release, err = layout.ParseRelease(b); err != nil {
		return nil, err
	}
	if u.Roots, err = keyfile.Certificates(layout.Keyring); err != nil {
		return nil, fmt.Errorf("read who may sign releases: %w", err)
	}
	if u.Boot, err = boot(); err != nil {
		return nil, err
	}
	return u, nil
}

// bootFile is in memory: it is gone after a restart of the machine. The kernel has a
// number for each of its starts, but the daemon is not let see it.
const bootFile = "/run/penjire/boot"

// boot names this start of the machine.
func boot() (string, error) {
	b, err := os.ReadFile(bootFile)
	if err == nil && len(b) > 0 {
		return strings.TrimSpace(string(b)), nil
	}
	id := rand.Text()
	if err := os.WriteFile(bootFile, []byte(id+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("name this start of the machine: %w", err)
	}
	return id, nil
}
