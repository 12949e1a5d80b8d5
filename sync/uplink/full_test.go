package uplink

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penjire/penjire/sync/edoc/specimen"
	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/sync/outbox/outboxtest"
	"github.com/penjire/penjire/sync/wire"
)

// TestNoRoomForItems: what comes down and finds no room is not acked, nor is what
// follows it, and the session goes on, for its receipts make room; it ends after a
// while, so that the items come again.
func TestNoRoomForItems(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, err := specimen.New(time.Now())
		if err != nil {
			t.Fatal(err)
		}
		o := outboxtest.OpenDir(t, t.TempDir(), outbox.Options{MaxSize: outbox.MinSize})
		first := outboxtest.Accept(t, o, outboxtest.Draft(0))
		answer := func(id uint64, size int) *wire.Items {
			return &wire.Items{Items: []wire.Item{{ID: id, Kind: wire.ItemAnswer, Doc: first.Doc, Stage: uint8(outbox.Answered), At: time.Now().Unix(), Bytes: make([]byte, size)}}}
		}
		for id := uint64(1); ; id++ { // until one more finds no room
			err := o.PutItem(t.Context(), outbox.Item{ID: id, Kind: wire.ItemAnswer, Doc: outbox.Doc{byte(id), 1}, Bytes: make([]byte, 32<<10), At: time.Now()})
			if errors.Is(err, outbox.ErrFull) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		cursor := o.Cursor()
		play(t, config(t, w, o), wire.Welcome{Bytes: 1 << 20}, func(p *portal, u *Uplink) {
			acked := func() (n int) {
				for _, f := range p.heard() {
					if _, ok := f.(*wire.ItemAck); ok {
						n++
					}
				}
				return n
			}
			p.say(answer(cursor+1, 48<<10))
			p.say(answer(cursor+2, 10))
			if n := acked(); n != 0 || o.Cursor() != cursor {
				t.Errorf("%d acks, cursor %d; want none, and %d", n, o.Cursor(), cursor)
			}
			if !u.Status().Connected {
				t.Error("the session ended for an item")
			}
			time.Sleep(roomAgain)
			p.say(&wire.Nack{Of: wire.TypeRecords, Epoch: p.hello.Epoch, Seq: 1, Code: "later"})
			synctest.Wait()
			if u.Status().Connected {
				t.Error("the session goes on for ever without what found no room")
			}
		})
	})
}
