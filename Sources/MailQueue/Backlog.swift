// Backlog: a first-in first-out list.
// SPDX-License-Identifier: MIT

/// Elements in the order they came, taken from the front at constant cost.
struct Backlog<Element> {
    private var elements: [Element] = []
    private var head = 0

    var count: Int { elements.count - head }
    var isEmpty: Bool { count == 0 }

    mutating func append(_ element: Element) { elements.append(element) }

    mutating func popFirst() -> Element? {
        guard head < elements.count else { return nil }
        defer {
            head += 1
            if head > 64, head * 2 > elements.count {
                elements.removeFirst(head)
                head = 0
            }
        }
        return elements[head]
    }

    /// Takes out everything.
    mutating func removeAll() -> [Element] {
        defer { self = Backlog() }
        return Array(elements[head...])
    }
}
