package update

import (
	"bytes"
	"slices"
	"time"

	"github.com/penjire/penjire/sync/release"
)

// Health is what the gate looks at. It is observed since the daemon started, and kept
// from before the installation to compare with.
type Health struct {
	Painted bool     `json:"painted"`           // the browser has painted a page, and says so
	Devices []string `json:"devices,omitempty"` // of the board that answer, by name
	Outbox  bool     `json:"outbox"`            // it opened, whole and with room for a request
	Unsent  int      `json:"unsent"`            // requests without a receipt
	Epoch   []byte   `json:"epoch,omitempty"`   // of the outbox and its journal
	Journal int64    `json:"journal"`           // entries
	Root    []byte   `json:"root,omitempty"`    // of that many entries
	// Then is the root of as many entries as the journal had before; nil: they are not
	// there.
	Then   []byte `json:"then,omitempty"`
	Portal bool   `json:"portal"` // it was reached
}

// Bounds of the gate.
const (
	leastTrial = time.Minute      // also what runs well is watched for so long
	mostTrial  = 10 * time.Minute // what is not well by then will not be
)

// Judge says whether software on trial has proved itself, by how the kiosk was before
// and how it is now, up since the daemon started. done is false while it is too early
// to tell: that ends with mostTrial.
//
// That the daemon runs is not asked here: it is what asks. Whether it stops again and
// again, State counts.
func Judge(before, now Health, up time.Duration) (code release.Code, done bool) {
	code = release.CodeGood
	switch {
	case !now.Outbox && (before.Outbox || before.Epoch == nil) || before.Epoch != nil && !bytes.Equal(before.Epoch, now.Epoch):
		code = release.CodeOutbox
	case before.Root != nil && (now.Journal < before.Journal || !bytes.Equal(before.Root, now.Then)):
		code = release.CodeJournal
	case before.Painted && !now.Painted:
		code = release.CodeScreen
	case slices.ContainsFunc(before.Devices, func(d string) bool { return !slices.Contains(now.Devices, d) }):
		code = release.CodeDevices
	case before.Portal && !now.Portal:
		code = release.CodePortal
	}
	if code == release.CodeGood {
		return code, up >= leastTrial
	}
	return code, up >= mostTrial
}
