package simulation

import (
	"bytes"
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"

	"github.com/penjire/penjire/sync/outbox"
)

// kioskBackup is a backup of a kiosk's outbox.
type kioskBackup struct {
	bytes []byte
	docs  map[*doc]bool
}

func (m *machine) mirrorFolder() string {
	if m.away {
		return m.mirror + "-away"
	}
	return m.mirror
}

// readMirror returns what is on the second medium.
func (m *machine) readMirror() map[string][]byte {
	if m.mirror == "" {
		return nil
	}
	files, err := readDir(m.mirror)
	m.s.must(err)
	return files
}

// writeMirror puts the second medium back to that.
func (m *machine) writeMirror(files map[string][]byte) {
	if m.mirror == "" {
		return
	}
	m.s.lose(m.mirror)
	m.mirror = m.s.dir("mirror")
	m.s.must(writeDir(m.mirror, files))
	m.s.fill(m.mirror, m.mirrorDisk)
}

// held returns what is on the kiosk.
func (m *machine) held() map[*doc]bool {
	out := map[*doc]bool{}
	for _, d := range m.s.docs {
		if d.held[m] && d.told {
			out[d] = true
		}
	}
	return out
}

// noteMirror keeps in mind what the mirror has by the kiosk's own word.
func (m *machine) noteMirror() {
	if m.mirror != "" && !m.away && m.life.box.Mirror().State == outbox.MirrorGood {
		m.mirrored = m.held()
	}
}

// moveMirror takes the second medium out, or puts it back.
func (s *sim) moveMirror(r *rand.Rand) bool {
	m := s.pick(r)
	if m == nil || m.mirror == "" || m.printing != nil {
		return false
	}
	m.stop()
	m.away = !m.away
	if m.away {
		s.say("%s: it is restarted without its second medium", m.name)
	} else {
		s.say("%s: it is restarted with its second medium", m.name)
	}
	m.boot()
	return true
}

// fetchMirror puts the second medium back.
func (m *machine) fetchMirror() {
	if m.away && m.life != nil {
		if p := m.printing; p != nil {
			if m.printing = nil; p.state == 0 {
				p.d.came(p.job)
			}
		}
		m.stop()
	}
	m.away = false
}

// backUpKiosk has a technician make a backup.
func (s *sim) backUpKiosk(r *rand.Rand) bool {
	m := s.pick(r)
	if m == nil {
		return false
	}
	var b bytes.Buffer
	err, done := m.ask(func(o *outbox.Outbox) error { return o.Backup(context.Background(), &b) })
	switch {
	case !done:
	case err != nil:
		s.broken("KioskWorks", "%s: back up: %v", m.name, err)
	default:
		m.backup = &kioskBackup{b.Bytes(), m.held()}
		s.say("%s: a technician makes a backup of it (%d requests)", m.name, len(m.backup.docs))
	}
	return true
}

// breaks has a kiosk's medium break; a technician makes it anew from the copies
// that there are.
func (s *sim) breaks(r *rand.Rand) bool {
	m := s.pick(r)
	if m == nil || m.tampered || s.cloned {
		return false
	}
	has := map[*doc]bool{}
	var from []string
	what := ""
	if m.mirror != "" && !m.away && m.mirrored != nil {
		from, what = append(from, m.mirror), "its mirror"
	}
	if m.backup != nil && (len(from) == 0 || r.IntN(2) == 0) {
		f := filepath.Join(s.dir("backup"), "kiosk.backup")
		s.must(os.WriteFile(f, m.backup.bytes, 0o600))
		if from = append(from, f); what != "" {
			what += " and "
		}
		what += "a backup"
		for d := range m.backup.docs {
			has[d] = true
		}
	}
	if len(from) == 0 {
		return false
	}
	m.kill(r)
	if m.mirror != "" && from[0] != m.mirror && what != "a backup" {
		from[0] = m.mirror // the folder is another after a power cut
	}
	if what != "a backup" {
		for d := range m.mirrored {
			has[d] = true
		}
	}
	s.say("%s: ITS MEDIUM BREAKS; it is made anew from %s", m.name, what)
	s.count("fault: a kiosk is restored from " + what)
	s.lose(m.dir)
	m.dir, m.disk = s.dir(m.name), roomy
	res, err := outbox.Restore(context.Background(), m.dir, outbox.Options{Kiosk: m.dev.ID, MaxSize: m.room, Now: m.now}, from...)
	if err != nil {
		s.broken("KioskWorks", "%s: restore: %v", m.name, err)
	}
	s.say("%s: %d requests are carried over, %d of them wait", m.name, res.Requests, res.Waiting)
	m.restored, m.printing = true, nil
	for _, d := range s.docs {
		switch {
		case !d.held[m]:
		case !has[d]:
			delete(d.held, m)
			if len(d.held) == 0 {
				d.excused, d.messy = "the medium broke, and no copy has it", true
			}
		case d.withdrawn:
			d.messy = true // it may have been withdrawn after the copy
		}
	}
	return true
}
