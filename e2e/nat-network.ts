/**
 * Two homes behind NATs of their own and an internet between them, out of network namespaces:
 *
 *     home a --- nat a ---+            +--- nat b --- home b
 *     10.1.0.2   198.18.1.2 \          / 198.18.2.2   10.2.0.2
 *                            internet
 *                            198.18.0.1: the signalling server and the TURN server
 *
 * It takes Linux, root, and Debian's iproute2 and nftables.
 */

import { spawnSync } from 'node:child_process'

/** Where the servers listen. */
export const serverAddress = '198.18.0.1'

export type Home = 'a' | 'b'

export interface NatRules {
  /**
   * Whether the internet carries packets from one NAT to the other, too; else both reach the servers only, as where
   * firewalls let through what is known to them.
   */
  joined?: boolean
  /** Another port for each destination, which defeats what STUN learns: a symmetric NAT. */
  symmetric?: boolean
  /** Nothing but TCP gets out of the homes, as in many offices. */
  udpBlocked?: boolean
}

const places = ['net', 'nat-a', 'nat-b', 'home-a', 'home-b'] as const
type Place = (typeof places)[number]

const prefix = 'shoal-nat-'
let made = 0

export class NatNetwork {
  readonly #name = `${prefix}${process.pid}-${++made}`
  readonly #onExit = () => this.remove()

  /** Makes it, or throws with what the system said, leaving nothing. */
  constructor(rules: NatRules = {}) {
    process.once('exit', this.#onExit)
    try {
      for (const place of places) {
        run(['ip', 'netns', 'add', this.#namespace(place)])
        this.#ip(place, 'link set lo up')
      }
      this.#ip('net', `addr add ${serverAddress}/32 dev lo`)
      this.#forward('net', rules.joined === true)
      this.#addHome('a', 1, rules)
      this.#addHome('b', 2, rules)
    } catch (error) {
      this.remove()
      throw error
    }
  }

  /** What to put before a command to run it in a home, or beside the servers. */
  command(where: Home | 'net'): readonly string[] {
    return ['ip', 'netns', 'exec', this.#namespace(where === 'net' ? where : `home-${where}`)]
  }

  /** Removes it all. Whatever still runs in it is cut off, and takes its namespace with it when it ends. */
  remove(): void {
    process.off('exit', this.#onExit)
    for (const place of places) removeNamespace(this.#namespace(place))
  }

  #addHome(home: Home, number: 1 | 2, rules: NatRules): void {
    const [nat, inside] = [`nat-${home}`, `home-${home}`] as const
    this.#connect('net', `wan-${home}`, `198.18.${number}.1`, nat, 'wan', `198.18.${number}.2`)
    this.#connect(nat, 'lan', `10.${number}.0.1`, inside, 'eth0', `10.${number}.0.2`)
    this.#ip(nat, `route add default via 198.18.${number}.1`)
    this.#ip(inside, `route add default via 10.${number}.0.1`)
    this.#forward(nat, true)
    run([...this.#inside(nat), 'nft', '-f', '-'], natRules(rules))
  }

  #connect(a: Place, aName: string, aAddress: string, b: Place, bName: string, bAddress: string): void {
    this.#ip(a, `link add ${aName} type veth peer name ${bName} netns ${this.#namespace(b)}`)
    for (const [place, name, address] of [[a, aName, aAddress] as const, [b, bName, bAddress] as const]) {
      this.#ip(place, `addr add ${address}/24 dev ${name}`)
      this.#ip(place, `link set ${name} up`)
    }
  }

  #forward(place: Place, yes: boolean): void {
    run([...this.#inside(place), 'sh', '-c', `echo ${yes ? 1 : 0} > /proc/sys/net/ipv4/ip_forward`])
  }

  #ip(place: Place, command: string): void {
    run(['ip', '-n', this.#namespace(place), ...command.split(' ')])
  }

  #inside(place: Place): string[] {
    return ['ip', 'netns', 'exec', this.#namespace(place)]
  }

  #namespace(place: Place): string {
    return `${this.#name}-${place}`
  }
}

/** Why this machine cannot make such a network; undefined if it can. It tries, since permissions have many sources. */
export function natNetworkTrouble(): string | undefined {
  if (process.platform !== 'linux') return 'network namespaces take Linux'
  if (process.getuid?.() !== 0) return 'network namespaces take root'
  for (const [program, dpkg] of [
    ['ip', 'iproute2'],
    ['nft', 'nftables'],
    ['turnserver', 'coturn'],
  ] as const) {
    const { error } = spawnSync(program, ['--help'], { stdio: 'ignore', timeout: 10_000 })
    if (error) return `there is no \`${program}\` (Debian: apt-get install ${dpkg})`
  }
  removeOrphans()
  try {
    new NatNetwork().remove()
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

/**
 * What a home's router does. What comes in unasked is dropped before the kernel remembers it: else it would take the port
 * that a connection from the inside is about to be given, and even a plain NAT would behave as a symmetric one.
 */
function natRules({ symmetric, udpBlocked }: NatRules): string {
  return `
    table ip home {
      chain out {
        type nat hook postrouting priority 100
        oifname "wan" masquerade ${symmetric ? 'fully-random' : ''}
      }
      chain through {
        type filter hook forward priority 0; policy drop;
        ${udpBlocked ? 'meta l4proto udp drop' : ''}
        iifname "lan" accept
        ct state established,related accept
      }
      chain in {
        type filter hook input priority 0; policy accept;
        iifname "wan" ct state new drop
      }
    }`
}

/** Those of a run that was killed before it could remove them. */
function removeOrphans(): void {
  const { stdout } = spawnSync('ip', ['netns', 'list'], { encoding: 'utf8' })
  for (const [namespace, pid] of stdout.matchAll(new RegExp(`^${prefix}(\\d+)-\\S+`, 'gm'))) {
    try {
      process.kill(Number(pid), 0)
    } catch {
      removeNamespace(namespace)
    }
  }
}

function removeNamespace(name: string): void {
  spawnSync('ip', ['netns', 'del', name], { stdio: 'ignore' })
}

function run(command: readonly string[], input = ''): void {
  const [program, ...args] = command as [string, ...string[]]
  const { error, status, stderr } = spawnSync(program, args, { encoding: 'utf8', input, timeout: 10_000 })
  if (status === 0) return
  throw new Error(`${command.join(' ')}: ${error?.message ?? (stderr.trim() || `it ended with ${status}`)}`)
}
