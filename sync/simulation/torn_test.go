package simulation

import (
	"bytes"
	"math/rand/v2"
)

// tearNext keeps what is on the portal's medium before the next commit.
func (w *watched) tearNext() {
	b, err := readDir(w.dir)
	w.s.must(err)
	w.before = b
}

// tear makes of files one of the forms that a crash inside a commit of SQLite may
// leave: of the log's sectors that the commit wrote, each may be there or not. Where
// it wrote into the file itself, the log was flushed before.
func (w *watched) tear(files map[string][]byte, r *rand.Rand) {
	const log, sector = ledgerFile + "-wal", 512
	if !bytes.Equal(files[ledgerFile], w.before[ledgerFile]) || r.IntN(4) == 0 {
		return
	}
	was, is := w.before[log], bytes.Clone(files[log])
	for at := 0; at < len(is); at += sector {
		end := min(at+sector, len(is))
		if at < len(was) && bytes.Equal(is[at:end], was[at:min(end, len(was))]) || r.IntN(2) == 0 {
			continue
		}
		clear(is[at:end])
		if at < len(was) {
			copy(is[at:end], was[at:])
		}
	}
	files[log] = is
	w.s.count("fault: a commit of the portal is torn")
}
