// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title What a caller should be able to say to a contract and hear from it: every shape of value, every way to fail
/// @dev For the tests of `plimsoll/chain/node.py`, which every other test stands on.
contract Echo {
    struct Leg {
        uint256 feed;
        int80 size;
    }

    struct Book {
        address owner;
        bytes note;
        Leg[] legs;
        bool[2] flags;
        string title;
    }

    event Said(address indexed from, string indexed topic, Book book, uint256 amount);

    error Refused(address account, int256 have, uint256 need, Leg leg);
    error Plain();

    uint256 public said;
    Leg public last;

    function echo(Book calldata book) external pure returns (Book memory) {
        return book;
    }

    function all(Book[] calldata books, bytes32 word, int256 number)
        external
        pure
        returns (Book[] memory same, bytes32 back, int256 negated)
    {
        return (books, word, -number);
    }

    function pick(uint256 a) external pure returns (uint256) {
        return a;
    }

    function pick(address a) external pure returns (address) {
        return a;
    }

    function pick(uint256 a, uint256 b) external pure returns (uint256) {
        return a + b;
    }

    function say(Book calldata book, uint256 amount) external payable returns (uint256 count) {
        emit Said(msg.sender, book.title, book, amount);
        if (book.legs.length > 0) last = book.legs[0];
        return ++said;
    }

    function time() external view returns (uint256) {
        return block.timestamp;
    }

    /// @param how 0 a custom error, 1 one without arguments, 2 a text, 3 a panic, 4 nothing, 5 all gas, 6 from the
    /// contract `where`, with that contract's error
    function fail(uint256 how, Echo where) external {
        ++said;
        if (how == 0) revert Refused(msg.sender, -5, 7, Leg(1, -2));
        if (how == 1) revert Plain();
        if (how == 2) revert("a text");
        if (how == 3) said = how / (how - 3);
        if (how == 4) assembly { revert(0, 0) }
        while (how == 5) ++said;
        if (how == 6) where.fail(0, where);
    }

    function look(uint256 how) external view returns (uint256) {
        if (how == 0) revert Refused(msg.sender, -5, 7, Leg(1, -2));
        return said;
    }
}
