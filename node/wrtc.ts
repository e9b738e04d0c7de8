/**
 * WebRTC under Node: an optional package with a native part, loaded only when a peer asks for it. `bench/wrtc.mjs` compares
 * the candidates. `@roamhq/wrtc` was taken because 150 processes of 150 ended with code 0, by themselves or through
 * process.exit, and it connects in 13 ms (median; 156 ms at worst on a busy machine). With node-datachannel 6 of 150
 * died of an error that is thrown past simple-peer, and some connections took a second.
 */

import { ShoalError } from '../core/index.ts'

/** The three constructors simple-peer needs. */
export interface Wrtc {
  RTCPeerConnection: unknown
  RTCSessionDescription: unknown
  RTCIceCandidate: unknown
}

/** Rejects with `webrtc_missing` where the package, or its build for this system, is not installed. */
export async function loadWrtc(load: () => Promise<{ default: unknown }> = loadPackage): Promise<Wrtc> {
  try {
    return (await load()).default as Wrtc
  } catch (cause) {
    throw new ShoalError(
      'webrtc_missing',
      'WebRTC under Node needs the optional package @roamhq/wrtc, which is not installed or has no build for this ' +
        `system (${process.platform}-${process.arch}): run \`npm install @roamhq/wrtc\`, or use \`udp\` alone, which needs no WebRTC`,
      { cause },
    )
  }
}

function loadPackage(): Promise<{ default: unknown }> {
  return import('@roamhq/wrtc')
}
