package hotpath

// catalogue lists the rows with their targets, in the order of the report.
func catalogue() []Row {
	return []Row{
		{Name: RowGet4K, Title: "GET 4 KiB, presigned", Unit: "/s", Than: "nginx", Bound: 0.60,
			AtLeast: true},
		{Name: RowPlain, Title: "GET 4 KiB, nginx opening each file", Unit: "/s", Than: "nginx"},
		{Name: RowGet1M, Title: "GET 1 MiB, presigned", Unit: "/s", Than: "nginx", Bound: 1,
			AtLeast: true},
		{Name: RowHead, Title: "HEAD, presigned", Unit: "/s", Than: "our GET 4 KiB", Bound: 1,
			AtLeast: true},
		{Name: RowOpen, Title: "GET 4 KiB, p99.9 at half of its peak", Unit: " µs", Than: "nginx",
			Bound: 3},
		{Name: RowWrk, Title: "GET 4 KiB, presigned, by wrk", Unit: "/s", Than: "nginx"},
		{Name: RowStart, Title: "exec to first signed GET", Unit: " ms", Bound: 25},
		{Name: RowRSS, Title: "RSS, GET 4 KiB on 256 connections", Unit: " MiB", Bound: 64},
		{Name: RowIdle, Title: "RSS of an idle connection", Unit: " KiB", Bound: 2},
		{Name: RowActive, Title: "RSS of an upload in flight", Unit: " KiB", Bound: 75},
	}
}

// row is the row of a name, with what was measured for it so far.
func (b *bench) row(name string) *Row {
	if b.rows[name] == nil {
		for _, known := range append(catalogue(), matrixRows()...) {
			if known.Name == name {
				b.rows[name] = &known
			}
		}
	}
	return b.rows[name]
}
