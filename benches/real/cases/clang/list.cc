// Templates, lambdas and the library's containers: mostly work for the front end.
#include <algorithm>
#include <string>
#include <vector>

template <typename T, typename Key>
std::vector<T> sorted_by(std::vector<T> items, Key key) {
    std::sort(items.begin(), items.end(), [&](const T &a, const T &b) { return key(a) < key(b); });
    return items;
}

struct Person {
    std::string name;
    int age;
};

extern "C" int oldest(int count) {
    std::vector<Person> people;
    for (int i = 0; i < count; i++)
        people.push_back({"person " + std::to_string(i), (i * 37) % 101});
    auto sorted = sorted_by(people, [](const Person &p) { return p.age; });
    return sorted.empty() ? -1 : sorted.back().age;
}
