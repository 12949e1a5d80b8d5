package main

import (
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestFirstScripts runs testdata/first: what a machine says before it is a kiosk.
func TestFirstScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata/first", RequireExplicitExec: true})
}
