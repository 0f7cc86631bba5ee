package main

// The house limits. Lengths are in lines; a tab is one column.
const (
	fileLinesMax    = 400
	fileLinesMedian = 130 // over the whole repository, tests aside: a warning
	funcLinesMax    = 70  // tests aside
	columnsMax      = 100
	tabColumns      = 1
)

// badNames are package names that say nothing.
func badNames() []string {
	return []string{"util", "utils", "common", "helpers", "helper", "types", "misc"}
}
