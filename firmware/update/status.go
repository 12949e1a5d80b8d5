package update

import "github.com/penjire/penjire/sync/release"

// Status is where the update stands, for people and for the portal.
type Status struct {
	Report   release.Report `json:"report"`
	Ring     string         `json:"ring"`
	Version  string         `json:"target_version,omitempty"`
	Size     int64          `json:"size,omitempty"`
	Fetch    int64          `json:"fetch,omitempty"`   // bytes that have to come over the link; 0: not known
	Fetched  int64          `json:"fetched,omitempty"` // that have
	Whole    release.Whole  `json:"whole,omitempty"`   // why all of it has to
	Base     int64          `json:"base,omitempty"`    // bytes of the bundle that is kept: of the next only what is new comes; 0: none is
	Stick    bool           `json:"stick,omitempty"`   // it comes from a memory stick
	Hand     bool           `json:"hand,omitempty"`    // it waits for no quiet hours
	Progress *Progress      `json:"progress,omitempty"`
	Detail   string         `json:"detail,omitempty"` // RAUC's own words of the last failure
	Bad      []uint64       `json:"bad,omitempty"`
	Keys     uint64         `json:"key_list"`
	Asked    bool           `json:"asked"` // the portal answered since the start
}

// Status returns where the update stands.
func (u *Updater) Status() Status {
	_, base := u.store.sizes()
	u.mu.Lock()
	defer u.mu.Unlock()
	s := Status{
		Report: u.report(), Version: u.s.Target.Version, Size: u.s.Target.Size, Stick: u.s.Path != "", Hand: u.s.Hand, Detail: u.s.Detail,
		Fetch: u.s.Fetch, Fetched: u.s.Fetched, Whole: u.s.Whole, Base: base, Bad: u.s.Bad, Keys: u.keys.Version(), Asked: u.asked, Ring: u.c.Own.Ring.String(),
	}
	if u.s.Phase == release.Installing {
		s.Progress = &u.progress
	}
	return s
}

func (u *Updater) report() release.Report {
	r := release.Report{
		Board: u.c.Own.Board, Version: u.c.Own.Version, Build: u.c.Own.Build, Format: u.c.Own.Format, Slot: u.slot,
		Ring: u.c.Own.Ring.String(), Phase: u.s.Phase.String(), Target: u.s.Target.Build, Have: u.s.Have,
	}
	if u.s.Whole == "" || u.s.Whole == release.WholeDamaged { // the portal gave an index: it knows these words
		r.Fetch, r.Fetched = u.s.Fetch, u.s.Fetched
	}
	if u.s.Last.Code != "" {
		last := u.s.Last
		r.Last = &last
	}
	return r
}

// Installs reports whether RAUC writes, or the machine is about to restart.
func (u *Updater) Installs() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.s.Phase == release.Installing || u.s.Phase == release.Installed || u.s.Phase == release.Leaving
}
