// Package target brings up the server of one leg and makes it prove itself before it is measured.
//
// It owns the workspace (folders of drives), the server's process, the verify pass and the reading
// of the server's own status. It applies no load.
//
// Invariants:
//
//  1. A leg starts on a fresh process, a free loopback port and credentials of its own.
//  2. What is not proven is not measured: an axis counts as engaged only if the server says that it
//     is active *and* its proof counter has moved.
//  3. Nothing stays: data of a run that was killed is removed by the next one, and only data that
//     carries this package's lock file is ever removed.
package target
