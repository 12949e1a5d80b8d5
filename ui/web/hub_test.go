package web_test

import (
	"context"
	"testing"

	"github.com/penjire/penjire/ui/screen"
	"github.com/penjire/penjire/ui/web"
)

func TestHubKeepsTheNewest(t *testing.T) {
	var h web.Hub
	ctx, cancel := context.WithCancel(t.Context())
	ch := h.Subscribe(ctx)
	h.Tell(web.Change{Visit: "a"})
	h.Tell(web.Change{Visit: "a", Reload: true})
	h.Tell(web.Change{Visit: "a", Devices: screen.Devices{Unsent: 2}})
	got := <-ch
	if got.Rev != 3 || !got.Reload || got.Visit != "a" || got.Devices.Unsent != 2 {
		t.Errorf("change: got %+v, want the third, with the reload of the second", got)
	}
	h.Tell(web.Change{Visit: "a"})
	h.Tell(web.Change{Visit: "b"})
	if got := <-ch; got.Visit != "" {
		t.Errorf("changes of two pages: got one for %q, want one for everyone", got.Visit)
	}
	cancel()
	if _, ok := <-ch; ok {
		t.Error("the channel is open after its context ended")
	}
	h.Tell(web.Change{}) // to nobody
}
