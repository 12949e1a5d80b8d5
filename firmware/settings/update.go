package settings

import (
	"path/filepath"
	"time"
)

// Update is when the kiosk may renew its software, and how far it goes ahead of
// others.
type Update struct {
	Ring        string        // lab, pilot or broad; "" is broad. Releases signed for narrower rings are refused
	Quiet       []Window      // when it may install and restart; none: 02:00 to 05:00
	Windows     []Window      // when it may fetch; none: whenever it may sync
	BytesPerDay int64         // that fetching may take; 0: no limit
	Every       time.Duration // between questions to the portal; 0 is 6 h
	Folder      string        // for the bundle and where the update stands; "" is state/update
}

// update reads
//
//	"update": {"ring": "pilot", "quiet": [{"from": "01:00", "to": "04:00"}], "windows": [], "bytes_per_day": 50000000, "every_h": 12}
func (n node) update(dir string) Update {
	n.only("ring", "quiet", "windows", "bytes_per_day", "every_h", "folder")
	u := Update{
		Ring: n.key("ring").text(), BytesPerDay: int64(n.key("bytes_per_day").number(1<<20, 1<<40)),
		Every:  time.Duration(n.key("every_h").number(1, 24*7) * float64(time.Hour)),
		Folder: n.key("folder").file(dir),
	}
	switch u.Ring {
	case "", "lab", "pilot", "broad":
	default:
		n.key("ring").fault("got %q, want lab, pilot or broad", u.Ring)
	}
	for _, w := range n.key("quiet").list() {
		u.Quiet = append(u.Quiet, w.window())
	}
	for _, w := range n.key("windows").list() {
		u.Windows = append(u.Windows, w.window())
	}
	return u
}

func (u Update) withDefaults(state string) Update {
	if u.Ring == "" {
		u.Ring = "broad"
	}
	if len(u.Quiet) == 0 {
		u.Quiet = []Window{{From: 2 * time.Hour, To: 5 * time.Hour}}
	}
	if u.Every == 0 {
		u.Every = 6 * time.Hour
	}
	if u.Folder == "" {
		u.Folder = filepath.Join(state, "update")
	}
	return u
}
