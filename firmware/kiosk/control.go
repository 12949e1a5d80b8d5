package kiosk

import (
	"encoding/hex"
	"encoding/json"
	"net/http"
	"time"

	"github.com/penjire/penjire/firmware/printing"
	"github.com/penjire/penjire/firmware/update"
	"github.com/penjire/penjire/sync/uplink"
	"github.com/penjire/penjire/ui/screen"
)

// Status is what GET /state on the control socket answers, as JSON. It names no
// one and tells nothing of what anyone entered.
type Status struct {
	Kiosk     string    `json:"kiosk"`
	Version   string    `json:"version"`
	Developer bool      `json:"developer,omitempty"` // the image is a developer's: not for service
	Board     string    `json:"board"`
	Boot      string    `json:"boot"`
	Started   time.Time `json:"started"`
	Screens   string    `json:"screens"` // host:port

	Clock   ClockStatus    `json:"clock"`
	Queue   QueueStatus    `json:"queue"`
	Journal JournalStatus  `json:"journal"`
	Devices DeviceStatus   `json:"devices"`
	Uplink  uplink.Status  `json:"uplink"`
	Health  []HealthStatus `json:"health"`
	Visits  VisitStatus    `json:"visits"`
	Keys    []KeyStatus    `json:"keys"`
	Storage *StorageStatus `json:"storage,omitempty"` // not there until it was looked at

	Update *update.Status `json:"update,omitempty"` // nil: the software cannot be renewed here

	Trust     VersionStatus `json:"trust"`
	Catalogue VersionStatus `json:"catalogue"`
	Remote    *RemoteStatus `json:"remote,omitempty"` // what the portal's operator set
}

// ClockStatus is the kiosk's time.
type ClockStatus struct {
	Now        time.Time `json:"now"`
	Trust      string    `json:"trust"` // unknown, claimed, beacon
	Binding    bool      `json:"binding"`
	LastBeacon time.Time `json:"last_beacon"`
}

// QueueStatus is the outbox.
type QueueStatus struct {
	ByState map[string]int `json:"by_state"`
	Unsent  int            `json:"unsent"`
	Oldest  *time.Time     `json:"oldest_unsent,omitempty"`
	Prints  int            `json:"prints"`
	Bytes   int64          `json:"bytes"`
	Free    int64          `json:"free"`
	Epoch   string         `json:"epoch"`
	Cursor  uint64         `json:"cursor"`
	Alarms  []string       `json:"alarms"`
}

// JournalStatus is the journal's head.
type JournalStatus struct {
	Size int64  `json:"size"`
	Root string `json:"root"`
}

// DeviceStatus is what the footer of the screens says, and more exactly.
type DeviceStatus struct {
	screen.Devices
	Paper     string        `json:"paper"`
	Cover     string        `json:"cover"`
	Card      bool          `json:"card"` // one is in the reader
	Printing  bool          `json:"printing"`
	PrintWait printing.Why  `json:"print_wait"` // what the next print job waits for
	Portal    string        `json:"portal"`     // connected, or the code of the last error
	Uptime    time.Duration `json:"uptime_ns"`

	Board []LoadedStatus `json:"board"` // every device of the board
}

// HealthStatus is a condition that holds.
type HealthStatus struct {
	Code     string    `json:"code"`
	Severity string    `json:"severity"`
	What     string    `json:"what"`
	Advice   string    `json:"advice"`
	Since    time.Time `json:"since"`
}

// VisitStatus says how busy the kiosk is.
type VisitStatus struct {
	Count int         `json:"count"` // since the start
	Open  bool        `json:"open"`
	Page  screen.Name `json:"page"` // of the open visit
}

// VersionStatus is a version of what the portal handed down.
type VersionStatus struct {
	Version uint64     `json:"version"`
	Issued  *time.Time `json:"issued,omitempty"`
}

// State returns the kiosk's state.
func (k *Kiosk) State(r *http.Request) Status {
	st := k.box.Stats(r.Context())
	up := k.up.Status()
	work := k.worker.Status()
	s := Status{
		Kiosk: k.s.Kiosk, Version: k.version, Developer: k.developer, Board: k.board.Name, Boot: k.boot, Started: k.started, Screens: k.Addr(),
		Clock: ClockStatus{
			Now: k.clock.Now(), Trust: k.clock.Trust().String(), Binding: k.clock.Binding(), LastBeacon: k.clock.LastBeacon(),
		},
		Queue: QueueStatus{
			ByState: map[string]int{}, Unsent: st.Unsent, Prints: st.Prints, Bytes: st.FileBytes, Free: st.FreeBytes,
			Epoch: hex.EncodeToString(st.Epoch[:]), Cursor: st.Cursor, Alarms: st.Alarms,
		},
		Journal: JournalStatus{Size: st.JournalSize, Root: hex.EncodeToString(st.Root[:])},
		Uplink:  up, Health: []HealthStatus{}, Keys: k.keyStatus(),
		Trust:     VersionStatus{Version: k.know.trust().Version, Issued: &k.know.trust().Issued},
		Remote:    k.remoteStatus(),
		Catalogue: VersionStatus{Version: k.know.catalogueVersion()},
		Update:    k.updateStatus(),
	}
	for state, n := range st.ByState {
		s.Queue.ByState[state.String()] = n
	}
	if !st.OldestUnsent.IsZero() {
		s.Queue.Oldest = &st.OldestUnsent
	}
	for _, a := range k.health.Active() {
		s.Health = append(s.Health, HealthStatus{a.Code, a.Severity.String(), a.What, a.Advice, a.Since})
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	s.Devices = DeviceStatus{
		Devices: k.devices, Paper: string(k.media.Paper), Cover: string(k.media.Cover), Card: k.card != 0,
		Printing: work.Printing, PrintWait: work.Why, Portal: "connected", Uptime: time.Since(k.started),
		Board: k.loadedStatus(),
	}
	if !up.Connected {
		s.Devices.Portal = up.LastError
	}
	s.Storage = k.storageStatus()
	s.Visits = VisitStatus{Count: k.visits, Open: k.visit != nil}
	if k.visit != nil {
		s.Visits.Page = k.visit.state.Shown()
	}
	return s
}

func (k *Kiosk) controlHandler() http.Handler {
	m := http.NewServeMux()
	m.HandleFunc("GET /state", func(w http.ResponseWriter, r *http.Request) {
		b, err := json.MarshalIndent(k.State(r), "", "\t")
		if err != nil {
			http.Error(w, "the state could not be written", http.StatusInternalServerError)
			k.log.Error("the state could not be written", "err", err)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(append(b, '\n')) // whoever asked went away: nothing to do
	})
	m.HandleFunc("GET /journal/prove", k.prove)
	k.queueRoutes(m)
	m.HandleFunc("GET /support", k.supportRoute)
	m.HandleFunc("POST /service", k.stick(k.serviceFrom))
	k.updateRoutes(m)
	m.HandleFunc("POST /enrol/code", k.codeRoute)
	m.HandleFunc("POST /ticket", k.ticketRoute)
	m.HandleFunc("POST /export", k.stick(k.exportTo))
	m.HandleFunc("POST /import", k.stick(k.importFrom))
	return m
}
