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

// release returns what the image that runs says about itself; os.ErrNotExist: no image
// of ours runs.
func release() (layout.Release, error) {
	b, err := os.ReadFile(layout.ReleaseFile)
	if err != nil {
		return layout.Release{}, fmt.Errorf("read what this image is: %w", err)
	}
	return layout.ParseRelease(b)
}

// updates returns how the software is renewed, if it runs from an image; nil: it does
// not.
func updates() (*kiosk.Updates, error) {
	r, err := release()
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	u := &kiosk.Updates{Release: r, Trials: layout.UpdateDir, Installer: &rauc.Client{}, Restart: (&logind.Client{}).Reboot}
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
