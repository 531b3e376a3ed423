package diagnose

import "slices"

// catalogue is every diagnosis there is. Where several share an EC, the last one is what the EC alone means.
var catalogue = slices.Concat(failed, statuses, carriers, parameters, headers, variables, own, neighbours, clients, unknown)
