/** The shipped bundle of simple-peer, which needs none of Node's globals; it has the module's one export. */
declare module 'simple-peer/simplepeer.min.js' {
  import SimplePeer from 'simple-peer'
  export default SimplePeer
}
