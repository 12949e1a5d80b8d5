package catalog_test

import (
	"testing"
	"time"

	"github.com/penjire/penjire/sync/catalog"
	"github.com/penjire/penjire/sync/catalog/packs"
	"github.com/penjire/penjire/sync/citizen"
)

// TestCheckDate: a day that the calendar does not have is told apart from what
// is no date; whoever typed all three numbers is not asked for three numbers.
func TestCheckDate(t *testing.T) {
	c, err := packs.Catalogue(1)
	if err != nil {
		t.Fatal(err)
	}
	s, _ := c.Service("residence-certificate")
	row, _ := s.Row("since")
	now := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	noDay := catalog.Text{
		TK: "Senenamada beýle gün ýok.",
		RU: "Такого дня в календаре нет.",
		EN: "There is no such day in the calendar.",
	}
	half := catalog.Text{
		TK: "Gününi, aýyny we ýylyny ýazyň, mysal üçin 7 3 1984.",
		RU: "Укажите день, месяц и год, например 7 3 1984.",
		EN: "Give the day, the month and the year, for example 7 3 1984.",
	}
	for v, want := range map[string]catalog.Text{
		"2026-02-31": noDay, "2025-02-29": noDay, "2026-13-01": noDay, "2026-00-10": noDay, "2026-04-00": noDay,
		"2026-04-99": noDay,
		"2026--05":   half, "-02-05": half, "26-02-05": half, "2026-02-": half, "2026-2-5": half, "2026-02-AB": half,
		"2024-02-29": {}, "2026-02-28": {},
	} {
		if got := s.CheckRow(row, v, citizen.Answers{}, now); got != want {
			t.Errorf("CheckRow(%q) = %q, want %q", v, got.EN, want.EN)
		}
	}
}
