const faults: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the port is in use',
  EADDRNOTAVAIL: 'this machine does not have that address',
  EACCES: 'permission denied',
}

/** Why an address could not be bound, TCP or UDP, in words. */
export function bindFault({ code = '', message }: NodeJS.ErrnoException): string {
  return faults[code] ?? message
}
