/** node-wifi 2.0.16, as far as it is used here. */
declare module 'node-wifi' {
  const wifi: {
    init(options: { iface: string }): void
    scan(): Promise<unknown>
  }
  export default wifi
}
