/** The drivers of a configuration and no others: each is some hundred kilobytes of memory that a daemon keeps. */
import type { AnyDriver } from '../src/driver.js'

/** Loads those drivers. The names are folders of this one, checked when the configuration was. */
export async function driversNamed(names: Iterable<string>): Promise<AnyDriver[]> {
  return Promise.all(
    [...new Set(names)].map(async (name) => {
      if (!/^[a-z0-9-]+$/.test(name)) throw new TypeError(`no driver ${name}`)
      const { driver } = (await import(`./${name}/index.js`)) as { readonly driver: AnyDriver } // Parse boundary.
      return driver
    }),
  )
}
