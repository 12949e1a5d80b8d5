package catalog_test

import (
	"fmt"
	"time"

	"github.com/penjire/penjire/sync/catalog/packs"
	"github.com/penjire/penjire/sync/citizen"
)

// A service asks what is relevant, one page each, and checks what it is told.
func Example() {
	c, err := packs.Catalogue(1)
	if err != nil {
		fmt.Println(err)
		return
	}
	s, _ := c.Service("residence-certificate")
	a := citizen.NewAnswers(map[string]string{"purpose": "bank", "at_registered": "yes"})
	for _, row := range s.Pages(a) {
		fmt.Printf("%s [%s]\n", row.Label.EN, s.Display(row, a.Get(row.Name), "en"))
	}
	since, _ := s.Row("since")
	today := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	fmt.Println(s.CheckRow(since, "2030-01-01", a, today).EN)
	// Output:
	// What do you need the certificate for? [For a bank]
	// Do you live at your registered address? [Yes]
	// Since when have you lived here? []
	// How many people live with you? []
	// Your telephone number? []
	// Give today's date or an earlier one.
}
