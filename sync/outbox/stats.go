package outbox

import (
	"context"
	"slices"
)

// Stats returns the outbox's figures. They come from memory: it reads nothing
// and waits for no write.
func (o *Outbox) Stats(context.Context) Stats {
	o.mu.RLock()
	defer o.mu.RUnlock()
	m := &o.mem
	s := Stats{
		ByState: make(map[State]int, Withdrawn), Unsent: m.waits, Prints: len(m.jobs),
		JournalSize: m.edge.Size(), Root: m.edge.Root(), Epoch: m.epoch, Cursor: m.cursor,
		FileBytes: m.fileSize, FreeBytes: max(0, m.free(o.o.MaxSize)), Alarms: slices.Clone(m.alarms),
	}
	s.Lost, s.Large, s.LargeBytes = m.lost, m.large, m.blobBytes+o.stagedBytes
	s.FreeLarge = max(0, o.o.MaxBlobs-s.LargeBytes)
	for _, st := range States() {
		s.ByState[st] = m.states[st]
	}
	oldest := int64(0)
	for _, l := range m.lanes {
		for _, i := range l.line {
			if c := &m.slots[i]; c.waits {
				if oldest == 0 || c.claimed < oldest {
					oldest = c.claimed
				}
				break
			}
		}
	}
	s.OldestUnsent = fromMilli(oldest)
	return s
}
