package ledgertest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/ledger"
)

// settings keeps every layer, and gives a kiosk's settings among its items.
func settings(t *testing.T, open Opener) {
	with(t, open, func(ctx context.Context, l ledger.Ledger) {
		add := must[uint64](t)
		layer := func(scope, values string, at time.Duration) uint64 {
			return add(l.AddLayer(ctx, ledger.Layer{Scope: scope, Values: []byte(values), By: "operator", At: start.Add(at)}))
		}
		if a, b, c := layer("all", "{}", 0), layer("ring:lab", "{}", 0), layer("all", `{"a":1}`, time.Hour); a != 1 || b != 1 || c != 2 {
			t.Errorf("AddLayer = %d, %d, %d, want 1, 1, 2", a, b, c)
		}
		for _, number := range []uint64{2, 4} {
			if _, err := l.AddLayer(ctx, ledger.Layer{Scope: "all", Number: number, Values: []byte("{}"), By: "operator", At: start}); !errors.Is(err, ledger.ErrLayer) {
				t.Errorf("AddLayer as number %d after 2 = %v, want ErrLayer", number, err)
			}
		}
		if n := add(l.AddLayer(ctx, ledger.Layer{Scope: "ring:lab", Number: 2, Values: []byte("{}"), By: "operator", At: start})); n != 2 {
			t.Errorf("AddLayer as number 2 after 1 = %d, want 2", n)
		}
		all := must[[]ledger.Layer](t)(l.Layers(ctx))
		if len(all) != 4 || all[0].Scope != "all" || all[0].Number != 2 || string(all[0].Values) != `{"a":1}` || all[0].By != "operator" ||
			!all[0].At.Equal(start.Add(time.Hour)) || all[1].Number != 1 || all[2].Scope != "ring:lab" {
			t.Errorf("Layers = %+v, want the newest of each scope first, and those before", all)
		}
		if _, _, err := l.LastSettings(ctx, "K-000001"); !errors.Is(err, ledger.ErrNotFound) {
			t.Errorf("LastSettings of none = %v, want ErrNotFound", err)
		}
		ok(t, l.PutSettings(ctx, "K-000001", 5, start, []byte{1}))
		ok(t, l.PutSettings(ctx, "K-000001", 6, start, []byte{2}))
		if err := l.PutSettings(ctx, "K-000001", 6, start, []byte{3}); err == nil {
			t.Error("PutSettings of the same version = nil, want an error")
		}
		ok(t, l.PutSettings(ctx, "K-000002", 1, start, []byte{4}))
		v, b, err := l.LastSettings(ctx, "K-000001")
		if err != nil || v != 6 || len(b) != 1 || b[0] != 2 {
			t.Errorf("LastSettings = %d, %v, %v, want version 6", v, b, err)
		}
		its := must[[]ledger.Item](t)(l.Items(ctx, "K-000001", 0, 10))
		if len(its) != 2 || its[0].Kind != ledger.ItemSettings || its[1].Version != 6 || its[0].ID >= its[1].ID {
			t.Errorf("Items = %+v, want both in order", its)
		}
		ok(t, l.Acked(ctx, "K-000001", its[0].ID, start.Add(time.Hour)))
		given := must[[]ledger.Given](t)(l.GivenSettings(ctx))
		if len(given) != 2 || given[0].Kiosk != "K-000001" || given[0].Version != 6 || !given[0].Acked.IsZero() || given[0].Signed[0] != 2 ||
			!given[0].At.Equal(start) || given[1].Version != 1 {
			t.Errorf("GivenSettings = %+v, want the last of each, not acked", given)
		}
		ok(t, l.Acked(ctx, "K-000001", its[1].ID, start.Add(time.Hour)))
		ok(t, l.SettingsRefused(ctx, "K-000001", 6, "settings.refused"))
		ok(t, l.SettingsRefused(ctx, "K-000001", 9, "settings.invalid")) // there is no such one
		if given = must[[]ledger.Given](t)(l.GivenSettings(ctx)); given[0].Refused != "settings.refused" || given[1].Refused != "" || !given[0].Acked.Equal(start.Add(time.Hour)) || !given[1].Acked.IsZero() {
			t.Errorf("GivenSettings = %+v, want the first acked an hour later, and refused in part", given)
		}
	})
}
