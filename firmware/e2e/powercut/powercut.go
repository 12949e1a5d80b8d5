// Package powercut cuts the power of a virtual machine whose program keeps the
// real outbox and the real ledger on ext4 on dm-flakey, again and again on one
// disk, and compares what was acknowledged with what is there after the next
// start. It holds only tests, and guest, the machine's program.
package powercut
